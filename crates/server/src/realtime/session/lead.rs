//! The sync-led start: the drain waits for the client's own sync calls and leaves out what they returned.

use std::time::Duration;

/// Pages that are remembered; a client that reads more is drained from here on.
const PAGES: usize = 256;

/// How long the drain still waits.
#[derive(Debug)]
pub(super) struct Lead {
    until: Duration,
    more: Duration,
    latest: Duration,
}

impl Lead {
    /// Waits `first` for the first call, and after a full page until `more` is over.
    pub(super) fn new(now: Duration, first: Duration, more: Duration) -> Self {
        Self { until: now + first, more, latest: now + more.max(first) }
    }

    pub(super) fn until(&self) -> Duration {
        self.until
    }

    /// A full page came: another call will follow.
    pub(super) fn extend(&mut self, now: Duration) {
        self.until = (now + self.more).min(self.latest);
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
