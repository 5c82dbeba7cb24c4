//! Operations on one hot row wait for it here, not on connections that others need.
//!
//! All who send to one agent need the row of its inbox, each until its commit. Left to the database they would wait on
//! a connection each, and one agent that many write to would take all connections of the node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One that commits, and one that waits for the row in the database and is at work the moment it is free.
const AT_ONCE: usize = 2;

/// The hot rows that somebody works on now.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<u64, Arc<Semaphore>>>);

/// The right to work on a row; given back when dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    row: u64,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Waits for a turn on that row; first come, first served.
    pub(super) async fn take(&self, row: u64) -> Turn<'_> {
        let semaphore = Arc::clone(self.rows().entry(row).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))));
        // Made before the wait: given up in the middle of it, the row is forgotten all the same.
        let mut turn = Turn { turns: self, row, permit: None };
        // Never closed.
        turn.permit = semaphore.acquire_owned().await.ok();
        turn
    }

    fn rows(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Semaphore>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut rows = self.turns.rows();
        drop(self.permit.take());
        // Nobody else holds or waits for it: whoever does has a clone, and clones are made under the lock.
        if rows.get(&self.row).is_some_and(|semaphore| Arc::strong_count(semaphore) == 1) {
            rows.remove(&self.row);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn two_at_once_and_nothing_is_kept() {
        let turns = Turns::default();
        let (first, second) = (turns.take(7).now_or_never().unwrap(), turns.take(7).now_or_never().unwrap());
        let mut third = Box::pin(turns.take(7));
        assert!(third.as_mut().now_or_never().is_none());
        assert!(turns.take(8).now_or_never().is_some(), "another row is free");
        drop(first);
        let third = third.now_or_never().expect("its turn came");
        drop((second, third));
        assert!(turns.rows().is_empty());
    }

    #[test]
    fn who_gives_up_waiting_leaves_nothing() {
        let turns = Turns::default();
        let held = [turns.take(7).now_or_never().unwrap(), turns.take(7).now_or_never().unwrap()];
        let mut waiting = Box::pin(turns.take(7));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(held);
        drop(waiting);
        assert!(turns.rows().is_empty());
    }
}
