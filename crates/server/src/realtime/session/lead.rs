//! The sync-led start: the drain waits for the client's own sync calls and leaves out what they returned.

use std::time::Duration;

/// Pages that are remembered; a client that reads more is drained from here on.
const PAGES: usize = 256;

/// How long the drain still waits.
#[derive(Debug)]
pub(super) struct Lead {
    until: Duration,
    first: Duration,
    more: Duration,
    latest: Duration,
    /// Last position that a call returned, and the last that the client acked.
    given: u64,
    acked: u64,
    /// Rows that calls returned, and acks that came as frames instead.
    rows: usize,
    frame_acks: usize,
    /// The newest page was short: no call will follow it.
    through: bool,
    /// Where the pages ended.
    ends: Vec<u64>,
}

impl Lead {
    /// Waits `first` for the first call, and after a page until `more` is over.
    pub(super) fn new(now: Duration, first: Duration, more: Duration) -> Self {
        let (until, latest) = (now + first, now + more.max(first));
        let (given, acked, rows, frame_acks) = (0, 0, 0, 0);
        Self { until, first, more, latest, given, acked, rows, frame_acks, through: false, ends: Vec::new() }
    }

    pub(super) fn until(&self) -> Duration {
        self.until
    }

    /// A page came: after a full one another call will follow, after a short one the ack of its rows. A client that
    /// works through its rows one by one takes a fresh frame of the same conversation for a hole, reads what it has
    /// not come to yet, and runs it twice.
    pub(super) fn gave(&mut self, now: Duration, last: Option<u64>, rows: usize, short: bool) {
        self.given = self.given.max(last.unwrap_or(0));
        self.ends.extend(last);
        self.rows += rows;
        self.through = short;
        self.until = (now + self.more).min(self.latest);
    }

    /// The client is done with everything up to here. One that acks less than a page works row by row, or met a hole,
    /// as its own messages leave them: then it holds back what follows and acks none of that by calls.
    pub(super) fn acked(&mut self, now: Duration, position: u64) {
        self.acked = self.acked.max(position);
        if position < self.given && !self.ends.contains(&position) {
            self.until = (now + self.first).min(self.latest);
        }
    }

    /// The client acked so many messages one by one.
    pub(super) fn acked_by_frame(&mut self, messages: usize) {
        self.frame_acks += messages;
    }

    /// The backlog was read and acked.
    pub(super) fn is_over(&self) -> bool {
        let each_acked = self.rows > 0 && self.frame_acks >= self.rows;
        self.through && (each_acked || self.acked >= self.given)
    }
}

/// Positions that sync calls returned, as spans: a page holds everything stored between its ends.
#[derive(Debug, Default)]
pub(super) struct Given(Vec<(u64, u64)>);

impl Given {
    /// Adds a page; false when no more can be remembered.
    pub(super) fn add(&mut self, span: Option<(u64, u64)>) -> bool {
        self.0.extend(span);
        self.0.len() < PAGES
    }

    pub(super) fn contains(&self, position: u64) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&position))
    }
}
