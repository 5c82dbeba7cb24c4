//! The writer: group commit without a timer. While one batch is being synced the next one forms in the queue.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::{Log, Others};
use crate::running::{TypedWrite, at_once, panicked};
use crate::tx::still_open;
use crate::{StoreError, Tx, Write};

/// An operation waiting for its batch.
pub(crate) trait Job: Send {
    /// Runs it; true when its changes are to be kept.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Answers it, after the commit or its failure.
    fn finish(self: Box<Self>, commit: Result<(), StoreError>);
}

impl<W: Write> Job for TypedWrite<W> {
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        match at_once(self.start(tx)) {
            Ok(keep) => keep,
            Err(stuck) => {
                self.answer = Some(Err(stuck.into()));
                false
            }
        }
    }

    fn finish(self: Box<Self>, commit: Result<(), StoreError>) {
        let answer = match (commit, self.answer) {
            (Ok(()), Some(answer)) => answer,
            (Ok(()), None) => Err(panicked().into()),
            (Err(error), _) => Err(error.into()),
        };
        if let Some(then) = self.then {
            // What was committed is acknowledged all the same, and those who come after are served.
            if catch_unwind(AssertUnwindSafe(|| then(&answer))).is_err() {
                tracing::error!("what follows a write panicked");
            }
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

enum Taken {
    Batch,
    /// Nobody came in time.
    Nothing,
    /// The queue is closed and empty.
    Closed,
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

    /// Takes the next batch. With `patience` it comes back without one after that time.
    fn take(&self, batch: &mut Vec<Box<dyn Job>>, most: usize, patience: Option<Duration>) -> Taken {
        let mut lanes = self.lanes();
        while lanes.callers.is_empty() && lanes.own.is_empty() {
            if lanes.closed {
                return Taken::Closed;
            }
            lanes.idle = true;
            let Some(patience) = patience else {
                lanes = self.wake.wait(lanes).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let (woken, waited) = self.wake.wait_timeout(lanes, patience).unwrap_or_else(PoisonError::into_inner);
            lanes = woken;
            if waited.timed_out() {
                return Taken::Nothing;
            }
        }
        let own = lanes.own.len().min(most);
        batch.extend(lanes.own.drain(..own));
        let callers = lanes.callers.len().min(most - own);
        batch.extend(lanes.callers.drain(..callers));
        Taken::Batch
    }

    /// Closes, and gives up what waits: its callers learn that the store is closed.
    fn abandon(&self) {
        self.close();
        let mut lanes = self.lanes();
        let jobs = (std::mem::take(&mut lanes.own), std::mem::take(&mut lanes.callers));
        drop(lanes);
        drop(jobs);
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

/// How often an idle writer tries to write over what a failed commit left in the log.
const MEND_EVERY: Duration = Duration::from_millis(100);

/// How often all connections are opened anew, at most, while the database cannot be synced.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

/// Marks the file as ours, for `file(1)`; "AgCt". Setting it again is a commit of one page that changes nothing.
const APPLICATION_ID: i32 = 0x4167_4374;

/// Does what is queued, on a thread of its own.
///
/// # A commit that fails
///
/// SQLite appends the pages of a transaction to the log (each frame's checksum continues the one before), the last
/// frame saying "commit", syncs, and only then makes the frames visible in the log's index. So when a write fails, or
/// a sync, or the index cannot grow:
///
/// * Nobody sees the batch, the index ends where it did, and the next batch is written over it, from the same frame
///   on. Nothing that was acknowledged is touched: it lies before that frame and its own sync succeeded.
/// * A later successful sync says nothing about pages that an earlier failed one dropped (Linux marks them clean).
///   It need not: frames of the failed batch are never used again, all frames of the next batch are written anew,
///   and what is left of the old batch behind them does not continue their checksums. (For the database itself SQLite
///   does not see to that; see [`Others`].)
/// * But until then the log may hold the failed batch whole, commit frame and all, and after a crash recovery would
///   find it: operations would be there whose callers were told they are not. So a failed commit is *in doubt* until
///   something else was committed over it; when no batch comes, [`Writer::mend`] does that with a page that says
///   nothing, at once and then every [`MEND_EVERY`]. It is synced like any commit: one that is visible without
///   being on disk would be a gap below later commits. What is left is a crash while the disk refuses every sync;
///   then a client that repeats its `client_msg_id` finds its message.
pub(crate) struct Writer {
    /// None: all were closed and could not be opened again yet.
    connection: Option<Connection>,
    others: Arc<Others>,
    queue: Arc<Queue>,
    finished: mpsc::UnboundedSender<Finished>,
    log: Arc<Log>,
    commits: Arc<AtomicU64>,
    batch_limit: usize,
    /// A commit failed and nothing was committed since.
    in_doubt: bool,
    /// Why the last batch was refused; said once, not for every batch.
    failure: Option<String>,
    reopened: Option<Instant>,
}

/// What a writer works with.
pub(crate) struct WriterParts {
    pub connection: Connection,
    pub others: Arc<Others>,
    pub queue: Arc<Queue>,
    pub finished: mpsc::UnboundedSender<Finished>,
    pub log: Arc<Log>,
    pub commits: Arc<AtomicU64>,
    pub batch_limit: usize,
}

impl Writer {
    pub(crate) fn new(parts: WriterParts) -> Self {
        let WriterParts { connection, others, queue, finished, log, commits, batch_limit } = parts;
        let connection = Some(connection);
        let (in_doubt, failure, reopened) = (false, None, None);
        Self { connection, others, queue, finished, log, commits, batch_limit, in_doubt, failure, reopened }
    }

    /// The writer thread: until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let queue = Arc::clone(&self.queue);
        let _nobody_waits_for_a_dead_writer = Abandons(&queue);
        let mut batch = Vec::with_capacity(self.batch_limit);
        loop {
            let unwell = self.in_doubt || self.connection.is_none();
            match queue.take(&mut batch, self.batch_limit, unwell.then_some(MEND_EVERY)) {
                Taken::Batch => self.serve(&mut batch),
                Taken::Nothing if self.connection.is_none() => self.reopen(),
                Taken::Nothing => self.mend(),
                Taken::Closed => return,
            }
        }
    }

    fn serve(&mut self, batch: &mut Vec<Box<dyn Job>>) {
        if self.log.is_stale() {
            self.reopen();
        }
        let outcome = self.commit(batch);
        match &outcome {
            Ok(()) => self.recovered(),
            Err(error) => self.failed(error, batch.len()),
        }
        // Nobody receives any more only when the runtime is going down.
        let _ = self.finished.send((std::mem::take(batch), outcome));
        if let Some(connection) = &self.connection {
            self.log.restart_if_long(connection, &self.others);
        }
    }

    fn commit(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        // Not lent to `self` meanwhile; it is back before anything else happens.
        let Some(mut connection) = self.connection.take() else {
            return Err(StoreError::Unavailable("the database cannot be opened".into()));
        };
        let outcome = self.attempt(&mut connection, batch);
        if outcome.is_err() && !connection.is_autocommit() {
            // If even this fails SQLite rolls back by itself at the next use.
            let _ = connection.execute_batch("ROLLBACK");
        }
        self.connection = Some(connection);
        if outcome.is_err() && self.in_doubt {
            self.mend();
        }
        outcome.map_err(|error| match error {
            StoreError::Internal(text) => StoreError::Unavailable(text),
            other => other,
        })
    }

    fn attempt(&mut self, connection: &mut Connection, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        step(connection, "BEGIN IMMEDIATE")?;
        for job in batch.iter_mut() {
            step(connection, "SAVEPOINT operation")?;
            let keep = {
                let mut tx = Tx::Sqlite(connection);
                catch_unwind(AssertUnwindSafe(|| job.run(&mut tx))).unwrap_or(false)
            };
            // SQLite may have ended the whole transaction (full disk, I/O error), whatever the operation made of
            // that: then nothing of it stands.
            still_open(connection)?;
            if !keep {
                step(connection, "ROLLBACK TO operation")?;
            }
            step(connection, "RELEASE operation")?;
        }
        let committed = step(connection, "COMMIT");
        self.in_doubt = committed.is_err();
        committed
    }

    /// Commits a page that says nothing over what a failed commit left.
    fn mend(&mut self) {
        let Some(connection) = &self.connection else { return };
        if connection.pragma_update(None, "application_id", APPLICATION_ID).is_ok() {
            self.in_doubt = false;
        }
    }

    /// Opens all connections anew, so that the log is copied from its beginning. What they find in it must be what was
    /// acknowledged, and nothing else.
    fn reopen(&mut self) {
        if self.reopened.is_some_and(|at| at.elapsed() < REOPEN_EVERY) {
            return;
        }
        if self.in_doubt {
            self.mend();
        }
        if self.in_doubt {
            return;
        }
        self.reopened = Some(Instant::now());
        let fresh = self.others.reopen(self.connection.take()).and_then(|mut connection| {
            self.log.watch(&mut connection)?;
            Ok(connection)
        });
        match fresh {
            Ok(connection) => {
                self.connection = Some(connection);
                self.log.renewed();
                tracing::info!("the database was opened anew after a failed sync");
            }
            Err(error) => tracing::error!(%error, "the database cannot be opened after a failed sync"),
        }
    }

    fn recovered(&mut self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        if self.failure.take().is_some() {
            tracing::info!("the store writes again");
        }
    }

    fn failed(&mut self, error: &StoreError, operations: usize) {
        let why = error.to_string();
        if self.failure.as_ref() != Some(&why) {
            tracing::error!(%error, operations, "a batch was not committed; its callers are told to try again");
            self.failure = Some(why);
        }
    }
}

fn step(connection: &Connection, sql: &'static str) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.raw_execute()?;
    Ok(())
}

/// Gives the queue up when the writer ends, however it does.
struct Abandons<'a>(&'a Queue);

impl Drop for Abandons<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
