//! Readers: read-only connections on threads of their own.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::Others;
use crate::{StoreError, Tx};

/// A read waiting for a free connection; it gets none while the database cannot be opened.
pub(crate) type ReadJob = Box<dyn FnOnce(Option<&mut Tx<'_>>) + Send>;

/// The queue the reader threads take from.
pub(crate) struct Readers {
    state: Mutex<State>,
    wake: Condvar,
    limit: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<ReadJob>,
    idle: usize,
    closed: bool,
}

impl Readers {
    pub(crate) fn new(limit: usize) -> Self {
        Self { state: Mutex::default(), wake: Condvar::new(), limit }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, job: ReadJob) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.closed {
            return Err(StoreError::Unavailable("the store is closed".into()));
        }
        if state.waiting.len() >= self.limit {
            return Err(StoreError::Busy);
        }
        state.waiting.push_back(job);
        if state.idle > 0 {
            self.wake.notify_one();
        }
        Ok(())
    }

    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.wake.notify_all();
    }

    fn take(&self) -> Option<ReadJob> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Reader thread `number`: until the queue is closed and empty.
    pub(crate) fn run(&self, others: &Others, number: usize) {
        while let Some(job) = self.take() {
            let mut slot = others.reader(number);
            match slot.as_mut() {
                Some(connection) => read(connection, job),
                None => job(None),
            }
        }
    }
}

fn read(connection: &mut Connection, job: ReadJob) {
    // Without a snapshot the read still runs: its first statement then says that it has none.
    let began = connection.prepare_cached("BEGIN").and_then(|mut begin| begin.raw_execute());
    if let Err(error) = began {
        tracing::warn!(%error, "a read could not open its snapshot");
    }
    if catch_unwind(AssertUnwindSafe(|| job(Some(&mut Tx::Sqlite(connection))))).is_err() {
        tracing::error!("a read panicked");
    }
    if !connection.is_autocommit() {
        let ended = connection.prepare_cached("COMMIT").and_then(|mut end| end.raw_execute());
        if let Err(error) = ended {
            tracing::warn!(%error, "a read could not close its snapshot");
        }
    }
}
