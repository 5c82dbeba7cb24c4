//! When deliveries that were written but not acked are written again.
//!
//! A socket does not know which of its deliveries are settled; the store does. So it remembers only when it wrote up
//! to which position, coarsely, and looks into the store once the oldest is due.

use std::collections::VecDeque;
use std::time::Duration;

/// Parts of the interval whose writes count as one: 10 s of 300.
const PARTS: u32 = 30;

/// Positions up to `through` (and above the span before) were written at `at` or soon after.
#[derive(Debug, Clone, Copy)]
struct Span {
    through: u64,
    at: Duration,
}

/// A pass over the log, page by page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    started: Duration,
    after: u64,
    through: u64,
    /// The first row that is still stored.
    oldest: Option<u64>,
    /// Some row was written again.
    any: bool,
    /// Fresh frames get their turn before the next page.
    yields: bool,
}

impl Pass {
    /// Whether a row was written before this pass began.
    pub(super) fn sees(&self, position: u64) -> bool {
        position <= self.through
    }
}

/// The clock of one socket's re-offers.
#[derive(Debug)]
pub(super) struct Reoffers {
    every: Duration,
    spans: VecDeque<Span>,
    due: Option<Duration>,
    pass: Option<Pass>,
}

impl Reoffers {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, spans: VecDeque::new(), due: None, pass: None }
    }

    /// When the next pass is due.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// A delivery was written for the first time, or handed out by a sync call.
    pub(super) fn written(&mut self, now: Duration, position: u64) {
        let slot = self.slot();
        match self.spans.back_mut() {
            Some(last) if position <= last.through => {}
            Some(last) if now < last.at + slot => last.through = position,
            _ => self.spans.push_back(Span { through: position, at: now }),
        }
        self.due.get_or_insert(now + self.every);
    }

    /// Where the next page of a pass begins, if it is time for one; `reach` is the last position written.
    pub(super) fn next(&mut self, now: Duration, reach: u64) -> Option<u64> {
        if let Some(pass) = &mut self.pass {
            pass.yields = !pass.yields;
            return pass.yields.then_some(pass.after);
        }
        self.due.filter(|due| *due <= now)?;
        self.pass = Some(Pass { started: now, after: 0, through: reach, oldest: None, any: false, yields: true });
        Some(0)
    }

    /// The pass that is going on.
    pub(super) fn pass(&self) -> Option<Pass> {
        self.pass
    }

    /// Whether a row that this socket wrote and that is still stored is to be written again now.
    pub(super) fn judge(&self, pass: &mut Pass, position: u64) -> bool {
        let Some(at) = self.written_at(position) else { return false };
        pass.oldest.get_or_insert(position);
        let ripe = self.is_old(at, pass.started);
        pass.any |= ripe;
        ripe
    }

    /// After a page of the pass: `full` when there may be more rows behind `last`, its last position.
    pub(super) fn go_on(&mut self, mut pass: Pass, last: Option<u64>, full: bool) {
        match last {
            Some(last) if full && last < pass.through => {
                pass.after = last;
                self.pass = Some(pass);
            }
            _ => self.finish(pass),
        }
    }

    /// Ends a pass early; it is due again.
    pub(super) fn abandon(&mut self) {
        self.pass = None;
    }

    fn finish(&mut self, pass: Pass) {
        self.pass = None;
        let settled_through = pass.oldest.map_or(pass.through, |oldest| oldest - 1);
        while self.spans.front().is_some_and(|span| span.through <= settled_through) {
            self.spans.pop_front();
        }
        if !pass.any {
            self.due = self.spans.front().map(|span| span.at + self.every);
            return;
        }
        let old_before = pass.started + self.slot();
        for span in &mut self.spans {
            if span.at + self.every <= old_before {
                span.at = pass.started;
            }
        }
        self.due = Some(pass.started + self.every);
    }

    fn is_old(&self, at: Duration, now: Duration) -> bool {
        at + self.every <= now + self.slot()
    }

    fn written_at(&self, position: u64) -> Option<Duration> {
        self.spans.iter().find(|span| position <= span.through).map(|span| span.at)
    }

    fn slot(&self) -> Duration {
        self.every / PARTS
    }
}
