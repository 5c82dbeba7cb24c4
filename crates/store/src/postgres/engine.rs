//! The pool, and the way of an operation through it.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use tokio::sync::{Semaphore, oneshot};

use super::failure::{Remedy, remedy, spelled};
use super::hot::{HotRows, Waiting};
use super::job::{Job, Look};
use super::options::{Encryption, PostgresOptions};
use super::transaction::{Failure, Manner, Transaction};
use super::{migrate, tls};
use crate::running::{Then, TypedRead, TypedWrite, panicked};
use crate::store::{Lane, closed};
use crate::{OpenError, Read, Result, StoreError, StoreStats, Tx, Write};

/// Pauses between two tries of an operation.
const PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// A key that is violated again and again is a fault of ours.
const LOOKS: u32 = 5;
/// A client that hears nothing for this long after a statement's time was up gives the connection up.
const GRACE: Duration = Duration::from_secs(5);

/// An open database.
pub(crate) struct Postgres {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool,
    writing: Arc<Manner>,
    reading: Arc<Manner>,
    wait: Duration,
    operation_limit: Duration,
    queue: u32,
    callers: Arc<Semaphore>,
    own: Arc<Semaphore>,
    hot: HotRows,
    closed: AtomicBool,
    commits: AtomicU64,
    jitter: RandomState,
    target: String,
}

/// The server's own work that may be under way: no bound, but counted.
const OWN: u32 = 1 << 20;

impl Postgres {
    pub(crate) async fn connect(options: PostgresOptions) -> Result<Self, OpenError> {
        let target = options.target();
        let pool = migrated(&options, &target).await?;
        let queue = u32::try_from(options.queue).unwrap_or(u32::MAX).clamp(1, OWN);
        let shared = Shared {
            pool,
            writing: Arc::new(manner(&options, "BEGIN ISOLATION LEVEL READ COMMITTED")),
            reading: Arc::new(manner(&options, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")),
            wait: options.wait,
            operation_limit: options.statement_timeout + GRACE,
            queue,
            callers: Arc::new(Semaphore::new(queue as usize)),
            own: Arc::new(Semaphore::new(OWN as usize)),
            hot: HotRows::default(),
            closed: AtomicBool::new(false),
            commits: AtomicU64::new(0),
            jitter: RandomState::new(),
            target,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(crate) async fn write<W: Write>(
        &self,
        operation: W,
        then: Option<Then<W>>,
        lane: Lane,
    ) -> Result<W::Out, W::Error> {
        let lane = match lane {
            Lane::Caller => &self.shared.callers,
            Lane::Own => &self.shared.own,
        };
        let permit = self.shared.enter(lane)?;
        let shared = Arc::clone(&self.shared);
        let (reply, answer) = oneshot::channel();
        let hot = operation.hot_row();
        let job = Box::new(TypedWrite { operation, answer: None, then, reply });
        let job = Waiting { job, since: Instant::now(), _permit: permit };
        // On a task of its own: a caller that goes away takes nothing with it that others wait for.
        match hot {
            None => drop(tokio::spawn(async move { shared.alone(job).await })),
            Some(hot) if shared.hot.push(hot.row, job) => {
                drop(tokio::spawn(async move { shared.serve(hot.row).await }));
            }
            Some(_) => {}
        }
        answer.await.unwrap_or_else(|_| Err(panicked().into()))
    }

    pub(crate) async fn read<R: Read>(&self, operation: R) -> Result<R::Out, R::Error> {
        let _permit = self.shared.enter(&self.shared.callers)?;
        let mut job = TypedRead { operation, answer: None };
        self.shared.read(&mut job).await?;
        job.answer.unwrap_or_else(|| Err(panicked().into()))
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        let client = self.shared.pool.get().await.map_err(|error| self.shared.unreachable(&error))?;
        client.batch_execute("SELECT 1").await.map_err(StoreError::from)
    }

    pub(crate) fn stats(&self) -> StoreStats {
        StoreStats {
            queue_depth: self.shared.pool.status().waiting,
            commits: self.shared.commits.load(Ordering::Relaxed),
            log_bytes: 0,
        }
    }

    /// Waits for what is under way, then closes the connections.
    pub(crate) async fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        for (lane, size) in [(&self.shared.callers, self.shared.queue), (&self.shared.own, OWN)] {
            if let Ok(all) = lane.acquire_many(size).await {
                all.forget();
                lane.close();
            }
        }
        self.shared.pool.close();
    }
}

impl Shared {
    fn enter(&self, lane: &Arc<Semaphore>) -> Result<tokio::sync::OwnedSemaphorePermit> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        Arc::clone(lane).try_acquire_owned().map_err(|_| StoreError::Busy)
    }

    /// Works through a hot row's queue.
    async fn serve(&self, row: u64) {
        loop {
            let batch = self.hot.take(row);
            match batch.len() {
                0 => return,
                1 => {}
                _ => {
                    self.together(batch).await;
                    continue;
                }
            }
            for job in batch {
                self.alone(job).await;
            }
        }
    }

    /// Runs a write in a transaction of its own, and again while that can help.
    async fn alone(&self, mut waiting: Waiting) {
        let outcome = self.attempts(&mut *waiting.job, waiting.since).await;
        waiting.job.finish(outcome);
    }

    /// Ok when it was committed, or has refused itself.
    async fn attempts(&self, job: &mut dyn Job, since: Instant) -> Result<()> {
        let mut patience = self.patience(since);
        if patience.is_over() {
            // It waited behind others that could not get anywhere either; each of them trying for as long again would
            // keep the last waiting for ever.
            return Err(StoreError::Busy);
        }
        loop {
            let mut tx = Tx::Postgres(self.begin(&self.writing, &mut patience).await?);
            let kept = self.within_limit(job.run(&mut tx)).await;
            let Tx::Postgres(tx) = tx else { return Err(panicked()) };
            let failure = match (tx.failure().cloned(), kept) {
                (_, None) => return Err(self.out_of_time(tx)),
                (Some(failure), Some(_)) if failure.remedy != Remedy::None => failure,
                // An operation that makes light of a failed statement is not believed.
                (Some(failure), Some(true)) => return Err(failure.error),
                (_, Some(false)) => return Ok(()),
                (None, Some(true)) => match self.commit(tx).await {
                    Ok(()) => return Ok(()),
                    Err(failure) if failure.is_undone() => failure,
                    // Whether it was committed is not known, so it is not run again: the caller may ask again.
                    Err(failure) => return Err(failure.error),
                },
            };
            patience.pause(self, failure).await?;
        }
    }

    /// Runs several writes of one hot row in one transaction, each in a savepoint; if the database objects, each by
    /// itself.
    async fn together(&self, mut batch: Vec<Waiting>) {
        // All nodes take the locks of a batch in the same order.
        batch.sort_by_key(|waiting| waiting.job.order());
        let outcome = match self.attempt_together(&mut batch).await {
            Ok(()) => Ok(()),
            Err(failure) if failure.is_undone() => {
                for job in batch {
                    self.alone(job).await;
                }
                return;
            }
            Err(failure) => Err(failure.error),
        };
        for waiting in batch {
            waiting.job.finish(outcome.clone());
        }
    }

    async fn attempt_together(&self, batch: &mut [Waiting]) -> Result<(), Failure> {
        let mut patience = self.patience(batch.iter().map(|waiting| waiting.since).min().unwrap_or_else(Instant::now));
        let begun = self.begin(&self.writing, &mut patience).await;
        let mut tx = Tx::Postgres(begun.map_err(Failure::undone)?);
        for waiting in batch.iter() {
            waiting.job.lock_before_hot_row(&mut tx);
        }
        for waiting in batch.iter_mut() {
            tx.lock("SAVEPOINT operation", &[]);
            let kept = self.within_limit(waiting.job.run(&mut tx)).await;
            if !kept.unwrap_or(false) {
                tx.lock("ROLLBACK TO SAVEPOINT operation", &[]);
            }
            tx.lock("RELEASE SAVEPOINT operation", &[]);
            match &tx {
                Tx::Postgres(open) if kept.is_some() && open.failure().is_none() => {}
                _ => {
                    let Tx::Postgres(tx) = tx else { return Err(Failure::undone(panicked())) };
                    return Err(Failure::undone(self.out_of_time_or_failed(tx, kept.is_none())));
                }
            }
        }
        let Tx::Postgres(tx) = tx else { return Err(Failure::undone(panicked())) };
        self.commit(tx).await
    }

    fn out_of_time_or_failed(&self, tx: Transaction, out_of_time: bool) -> StoreError {
        match tx.failure() {
            Some(failure) if !out_of_time => failure.error.clone(),
            _ => self.out_of_time(tx),
        }
    }

    async fn commit(&self, tx: Transaction) -> Result<(), Failure> {
        let silent = || StoreError::Unavailable(format!("{} does not answer", self.target));
        let committed = self.within_limit(tx.commit()).await;
        committed.unwrap_or_else(|| Err(Failure { remedy: Remedy::Reconnect, error: silent() }))?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Ok when it has its answer, a refusal of its own included.
    async fn read(&self, job: &mut dyn Look) -> Result<()> {
        let mut patience = self.patience(Instant::now());
        loop {
            let mut tx = Tx::Postgres(self.begin(&self.reading, &mut patience).await?);
            let seen = self.within_limit(job.run(&mut tx)).await;
            let Tx::Postgres(tx) = tx else { return Err(panicked()) };
            match (tx.failure().cloned(), seen) {
                (Some(failure), Some(_)) if failure.remedy != Remedy::None => patience.pause(self, failure).await?,
                (Some(failure), Some(true)) => return Err(failure.error),
                (_, Some(_)) => return Ok(()),
                (_, None) => return Err(self.out_of_time(tx)),
            }
        }
    }

    /// A connection, waited for as long as `patience` lasts.
    async fn begin(&self, manner: &Arc<Manner>, patience: &mut Patience) -> Result<Transaction> {
        loop {
            match self.pool.get().await {
                Ok(client) => return Ok(Transaction::new(client, Arc::clone(manner))),
                Err(error @ PoolError::Backend(_)) => {
                    let error = self.unreachable(&error);
                    patience.pause(self, Failure { remedy: Remedy::Reconnect, error }).await?;
                }
                Err(PoolError::Closed) => return Err(closed()),
                Err(PoolError::Timeout(_)) => return Err(StoreError::Busy),
                Err(error) => return Err(self.unreachable(&error)),
            }
        }
    }

    /// None when the server says nothing for so long that it would have ended the statement itself.
    async fn within_limit<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(self.operation_limit, work).await.ok()
    }

    fn out_of_time(&self, tx: Transaction) -> StoreError {
        tx.abandon();
        StoreError::Unavailable(format!("{} does not answer", self.target))
    }

    fn unreachable(&self, error: &PoolError) -> StoreError {
        let cause = match error {
            PoolError::Backend(error) => spelled(error),
            other => other.to_string(),
        };
        StoreError::Unavailable(format!("{} cannot be reached: {cause}", self.target))
    }

    fn patience(&self, since: Instant) -> Patience {
        Patience { until: since + self.wait, tries: 0, looks: 0 }
    }
}

/// How long, and how often, an operation is tried again.
struct Patience {
    until: Instant,
    tries: u32,
    looks: u32,
}

impl Patience {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Waits a little before the next try; answers the failure when it was the last.
    async fn pause(&mut self, shared: &Shared, failure: Failure) -> Result<()> {
        self.tries += 1;
        self.looks += u32::from(failure.remedy == Remedy::LookAgain);
        if self.looks > LOOKS || self.is_over() {
            return Err(failure.error);
        }
        let longest = (PAUSE * self.tries * self.tries).min(LONGEST_PAUSE);
        // Losers of one race must not meet again.
        let share = shared.jitter.hash_one((Instant::now(), self.tries)) % 1000;
        tokio::time::sleep(longest.mul_f64(0.5 + share as f64 / 2000.0)).await;
        Ok(())
    }
}

/// One connection to a database at the newest schema, for what is no operation.
pub(crate) async fn connection(options: &PostgresOptions) -> Result<Object, OpenError> {
    let target = options.target();
    let pool = migrated(options, &target).await?;
    reach(&pool, options, &target).await
}

async fn migrated(options: &PostgresOptions, target: &str) -> Result<Pool, OpenError> {
    let pool = pool(options)?;
    migrate::run(reach(&pool, options, target).await?, target).await?;
    Ok(pool)
}

fn manner(options: &PostgresOptions, begin: &str) -> Manner {
    let begin = if options.pooled {
        let millis = options.statement_timeout.as_millis();
        format!(
            "{begin}; SET LOCAL statement_timeout = {millis}; SET LOCAL idle_in_transaction_session_timeout = {millis}"
        )
    } else {
        begin.to_owned()
    };
    Manner { begin, named: !options.pooled }
}

fn pool(options: &PostgresOptions) -> Result<Pool, OpenError> {
    let mut server = options.server.clone();
    server.application_name("agentchat");
    server.connect_timeout(Duration::from_secs(3));
    server.keepalives_idle(Duration::from_secs(10)).keepalives_interval(Duration::from_secs(5)).keepalives_retries(3);
    server.tcp_user_timeout(Duration::from_secs(20));
    if !options.pooled {
        server.options(session(&options.server, options.statement_timeout));
    }
    let manner = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match &options.encryption {
        Encryption::Off => Manager::from_config(server, tokio_postgres::NoTls, manner),
        encryption => Manager::from_config(server, tls::connector(encryption)?, manner),
    };
    let builder = Pool::builder(manager).max_size(options.connections).runtime(Runtime::Tokio1);
    let pool = builder.wait_timeout(Some(options.wait)).create_timeout(Some(options.wait)).build();
    pool.map_err(|error| OpenError::Options(error.to_string()))
}

/// What holds for a connection's whole life. A node that stops in the middle of a transaction must not keep its locks.
fn session(server: &tokio_postgres::Config, limit: Duration) -> String {
    let millis = limit.as_millis();
    let given = server.get_options().unwrap_or_default();
    format!("{given} -c statement_timeout={millis} -c idle_in_transaction_session_timeout={millis}").trim().to_owned()
}

/// A first connection; a server that is just starting is waited for.
async fn reach(pool: &Pool, options: &PostgresOptions, target: &str) -> Result<Object, OpenError> {
    let until = Instant::now() + options.connect_within;
    loop {
        let error = match pool.get().await {
            Ok(client) => return Ok(client),
            Err(error) => error,
        };
        let cause = match &error {
            PoolError::Backend(error) => spelled(error),
            other => other.to_string(),
        };
        let refused =
            matches!(&error, PoolError::Backend(error) if error.code().is_some() && remedy(error) == Remedy::None);
        if refused || Instant::now() >= until {
            return Err(OpenError::Unreachable { target: target.to_owned(), cause: hinted(cause) });
        }
        tracing::warn!(database = target, %cause, "the database cannot be reached yet");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// A pooler refuses what PostgreSQL itself takes.
fn hinted(cause: String) -> String {
    if cause.contains("unsupported startup parameter") {
        return format!("{cause}; behind a pooler in transaction mode, add pooler=transaction to the URL");
    }
    cause
}
