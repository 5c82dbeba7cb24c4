//! The machine's timers behind one deadline.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Now;

/// What a timer is for. Each is set at most once at a time.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Timer {
    Watchdog,
    Stable,
    Reconnect,
    Hold,
    Redrain,
    Gap(Arc<str>),
    Fill(Arc<str>),
    Saturated,
    Grace,
    Close,
}

#[derive(Default)]
pub(super) struct Timers {
    due: HashMap<Timer, Now>,
    order: BTreeSet<(Now, Timer)>,
}

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Now) {
        self.cancel(&timer);
        self.due.insert(timer.clone(), at);
        self.order.insert((at, timer));
    }

    pub(super) fn cancel(&mut self, timer: &Timer) {
        if let Some(at) = self.due.remove(timer) {
            self.order.remove(&(at, timer.clone()));
        }
    }

    pub(super) fn cancel_all(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_set(&self, timer: &Timer) -> bool {
        self.due.contains_key(timer)
    }

    pub(super) fn next(&self) -> Option<Now> {
        self.order.first().map(|(at, _)| *at)
    }

    pub(super) fn pop_due(&mut self, now: Now) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        let (_, timer) = self.order.pop_first()?;
        self.due.remove(&timer);
        Some(timer)
    }
}
