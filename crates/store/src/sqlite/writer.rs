//! The writer: group commit without a timer. While one batch is being synced the next one forms in the queue.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{Log, poll_once};
use crate::{StoreError, Tx, Write};

/// An operation waiting for its batch.
pub(crate) trait Job: Send {
    /// Runs it; true when its changes are to be kept.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Answers it, after the commit or its failure.
    fn finish(self: Box<Self>, commit: Result<(), StoreError>);
}

/// What is to be done with an answer before its caller gets it.
pub(crate) type Then<W> = Box<dyn FnOnce(&Result<<W as Write>::Out, <W as Write>::Error>) + Send>;

pub(crate) struct TypedWrite<W: Write> {
    pub operation: W,
    pub answer: Option<Result<W::Out, W::Error>>,
    pub then: Option<Then<W>>,
    pub reply: oneshot::Sender<Result<W::Out, W::Error>>,
}

impl<W: Write> Job for TypedWrite<W> {
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let answer = poll_once(self.operation.run(tx));
        let keep = answer.is_ok();
        self.answer = Some(answer);
        keep
    }

    fn finish(self: Box<Self>, commit: Result<(), StoreError>) {
        let answer = match (commit, self.answer) {
            (Ok(()), Some(answer)) => answer,
            (Ok(()), None) => Err(StoreError::Internal("the operation panicked".into()).into()),
            (Err(error), _) => Err(error.into()),
        };
        if let Some(then) = self.then {
            then(&answer);
        }
        // The caller may be gone; what it asked for is done all the same.
        let _ = self.reply.send(answer);
    }
}

/// Two lanes: callers (bounded, refused when full) and our own work (gathered, never refused).
pub(crate) struct Queue {
    lanes: Mutex<Lanes>,
    wake: Condvar,
    callers_limit: usize,
}

#[derive(Default)]
struct Lanes {
    callers: VecDeque<Box<dyn Job>>,
    own: VecDeque<Box<dyn Job>>,
    idle: bool,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(callers_limit: usize) -> Self {
        Self { lanes: Mutex::default(), wake: Condvar::new(), callers_limit }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job, or gives it back with the reason.
    pub(crate) fn push(&self, job: Box<dyn Job>, own: bool) -> Result<(), (Box<dyn Job>, StoreError)> {
        let mut lanes = self.lanes();
        if lanes.closed {
            return Err((job, StoreError::Unavailable("the store is closed".into())));
        }
        if own {
            lanes.own.push_back(job);
        } else if lanes.callers.len() >= self.callers_limit {
            return Err((job, StoreError::Busy));
        } else {
            lanes.callers.push_back(job);
        }
        if std::mem::take(&mut lanes.idle) {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Takes the next batch; none once the queue is closed and empty.
    fn take(&self, batch: &mut Vec<Box<dyn Job>>, most: usize) -> bool {
        let mut lanes = self.lanes();
        while lanes.callers.is_empty() && lanes.own.is_empty() {
            if lanes.closed {
                return false;
            }
            lanes.idle = true;
            lanes = self.wake.wait(lanes).unwrap_or_else(PoisonError::into_inner);
        }
        let own = lanes.own.len().min(most);
        batch.extend(lanes.own.drain(..own));
        let callers = lanes.callers.len().min(most - own);
        batch.extend(lanes.callers.drain(..callers));
        true
    }

    pub(crate) fn close(&self) {
        self.lanes().closed = true;
        self.wake.notify_all();
    }

    /// Operations waiting now, in both lanes.
    pub(crate) fn depth(&self) -> usize {
        let lanes = self.lanes();
        lanes.callers.len() + lanes.own.len()
    }
}

/// A committed (or failed) batch on its way to its callers.
pub(crate) type Finished = (Vec<Box<dyn Job>>, Result<(), StoreError>);

pub(crate) struct Writer {
    pub connection: Connection,
    pub queue: Arc<Queue>,
    pub finished: mpsc::UnboundedSender<Finished>,
    pub log: Arc<Log>,
    pub commits: Arc<AtomicU64>,
    pub batch_limit: usize,
}

impl Writer {
    /// The writer thread: until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let mut batch = Vec::with_capacity(self.batch_limit);
        while self.queue.take(&mut batch, self.batch_limit) {
            let outcome = self.commit(&mut batch);
            if let Err(error) = &outcome {
                tracing::error!(%error, operations = batch.len(), "a batch was not committed");
            }
            self.commits.fetch_add(1, Ordering::Relaxed);
            // Nobody receives any more only when the runtime is going down.
            let _ = self.finished.send((std::mem::take(&mut batch), outcome));
            self.log.restart_if_long(&self.connection);
        }
    }

    fn commit(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let outcome = self.attempt(batch);
        if outcome.is_err() && !self.connection.is_autocommit() {
            // The transaction is dead; if even this fails SQLite rolls back by itself at the next use.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        outcome.map_err(|error| match error {
            StoreError::Internal(text) => StoreError::Unavailable(text),
            other => other,
        })
    }

    fn attempt(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        self.step("BEGIN IMMEDIATE")?;
        for job in batch.iter_mut() {
            self.step("SAVEPOINT operation")?;
            let keep = {
                let mut tx = Tx::Sqlite(&mut self.connection);
                catch_unwind(AssertUnwindSafe(|| job.run(&mut tx))).unwrap_or(false)
            };
            if !keep {
                // SQLite may have ended the whole transaction (full disk, I/O error): then nothing of it stands.
                if self.connection.is_autocommit() {
                    return Err(StoreError::Unavailable("the database gave the transaction up".into()));
                }
                self.step("ROLLBACK TO operation")?;
            }
            self.step("RELEASE operation")?;
        }
        self.step("COMMIT")
    }

    fn step(&self, sql: &'static str) -> Result<(), StoreError> {
        self.connection.prepare_cached(sql)?.raw_execute()?;
        Ok(())
    }
}
