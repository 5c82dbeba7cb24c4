//! Writes that want the same hot row: they queue here, not on connections that others need, and those that wait
//! together travel together.
//!
//! All who send to one agent need the row of its inbox, each until its commit is on the disk. Left to the database each
//! would wait on a connection of its own, one agent that many write to would take all connections of the node, and its
//! inbox would take one message a commit.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;

use super::job::Job;

/// One batch that commits, and one that waits for the row in the database and is at work the moment it is free.
const AT_ONCE: usize = 2;

/// Writes of one transaction: enough to share its commit, few enough that nobody waits long for the rest.
const TOGETHER: usize = 32;

/// A write on its way.
pub(super) struct Waiting {
    pub(super) job: Box<dyn Job>,
    /// When its patience began.
    pub(super) since: Instant,
    /// Counts it.
    pub(super) _permit: OwnedSemaphorePermit,
}

/// The hot rows that somebody works on now.
#[derive(Default)]
pub(super) struct HotRows(Mutex<HashMap<u64, Row>>);

#[derive(Default)]
struct Row {
    waiting: VecDeque<Waiting>,
    workers: usize,
}

impl HotRows {
    /// Queues a write; true when whoever called is to serve the row, with [`HotRows::take`] until there is nothing.
    pub(super) fn push(&self, row: u64, job: Waiting) -> bool {
        let mut rows = self.rows();
        let row = rows.entry(row).or_default();
        row.waiting.push_back(job);
        let serves = row.workers < AT_ONCE;
        row.workers += usize::from(serves);
        serves
    }

    /// The next ones of a row, in the order in which they came; after none, whoever called is done with it.
    pub(super) fn take(&self, row: u64) -> Vec<Waiting> {
        let mut rows = self.rows();
        let Some(found) = rows.get_mut(&row) else { return Vec::new() };
        let count = found.waiting.len().min(TOGETHER);
        let batch: Vec<_> = found.waiting.drain(..count).collect();
        if batch.is_empty() {
            found.workers -= 1;
            if found.workers == 0 {
                rows.remove(&row);
            }
        }
        batch
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<u64, Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;
    use crate::{StoreError, Tx};

    struct Nothing;

    impl Job for Nothing {
        fn order(&self) -> i64 {
            0
        }
        fn lock_before_hot_row(&self, _: &mut Tx<'_>) {}
        fn run<'a>(&'a mut self, _: &'a mut Tx<'_>) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
            Box::pin(async { true })
        }
        fn finish(self: Box<Self>, _: Result<(), StoreError>) {}
    }

    fn waiting() -> Waiting {
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        Waiting { job: Box::new(Nothing), since: Instant::now(), _permit: permit }
    }

    #[test]
    fn two_serve_a_row_and_the_others_wait_for_them() {
        let rows = HotRows::default();
        assert!(rows.push(7, waiting()));
        assert_eq!(rows.take(7).len(), 1);
        assert!(rows.push(7, waiting()));
        assert!(!rows.push(7, waiting()));
        assert!(rows.push(8, waiting()), "another row is free");
        assert_eq!(rows.take(7).len(), 2, "those that wait together travel together");
    }

    #[test]
    fn nothing_is_kept_of_a_row_that_is_done() {
        let rows = HotRows::default();
        for _ in 0..TOGETHER + 1 {
            rows.push(7, waiting());
        }
        assert_eq!((rows.take(7).len(), rows.take(7).len()), (TOGETHER, 1));
        assert_eq!((rows.take(7).len(), rows.take(7).len()), (0, 0));
        assert!(rows.rows().is_empty());
    }
}
