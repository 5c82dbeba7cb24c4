//! The pool, and the way of an operation through it.

use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use futures_util::FutureExt;
use tokio::sync::Semaphore;

use super::failure::{Remedy, remedy, spelled};
use super::options::{Encryption, PostgresOptions};
use super::transaction::{Failure, Manner, Transaction};
use super::turns::Turns;
use super::{migrate, tls};
use crate::sqlite::Then;
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
    turns: Turns,
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
            turns: Turns::default(),
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
        // On a task of its own: a caller that goes away takes nothing with it that others wait for.
        let running = tokio::spawn(async move {
            let answer = shared.write(&operation).await;
            if let Some(then) = then
                && catch_unwind(AssertUnwindSafe(|| then(&answer))).is_err()
            {
                tracing::error!("what follows a write panicked");
            }
            drop(permit);
            answer
        });
        running.await.unwrap_or_else(|_| Err(panicked().into()))
    }

    pub(crate) async fn read<R: Read>(&self, operation: R) -> Result<R::Out, R::Error> {
        let _permit = self.shared.enter(&self.shared.callers)?;
        let reading = AssertUnwindSafe(self.shared.read(&operation));
        reading.catch_unwind().await.unwrap_or_else(|_| Err(panicked().into()))
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

    async fn write<W: Write>(&self, operation: &W) -> Result<W::Out, W::Error> {
        let _turn = match operation.hot_row() {
            Some(row) => Some(self.turns.take(row).await),
            None => None,
        };
        let mut patience = self.patience();
        loop {
            let mut tx = Tx::Postgres(self.begin(&self.writing, &mut patience).await?);
            let answer = self.within_limit(operation.run(&mut tx)).await;
            let Tx::Postgres(tx) = tx else { return Err(panicked().into()) };
            let failure = match (tx.failure().cloned(), answer) {
                (Some(failure), Some(_)) if failure.remedy != Remedy::None => failure,
                // An operation that makes light of a failed statement is not believed.
                (Some(failure), Some(Ok(_))) => return Err(failure.error.into()),
                (_, Some(Err(error))) => return Err(error),
                (_, None) => return Err(self.out_of_time(tx).into()),
                (None, Some(Ok(out))) => match self.within_limit(tx.commit()).await {
                    Some(Ok(())) => {
                        self.commits.fetch_add(1, Ordering::Relaxed);
                        return Ok(out);
                    }
                    Some(Err(failure)) if matches!(failure.remedy, Remedy::Again | Remedy::LookAgain) => failure,
                    // Whether it was committed is not known, so it is not run again: the caller may ask again.
                    Some(Err(failure)) => return Err(failure.error.into()),
                    None => return Err(StoreError::Unavailable(format!("{} does not answer", self.target)).into()),
                },
            };
            patience.pause(self, failure).await?;
        }
    }

    async fn read<R: Read>(&self, operation: &R) -> Result<R::Out, R::Error> {
        let mut patience = self.patience();
        loop {
            let mut tx = Tx::Postgres(self.begin(&self.reading, &mut patience).await?);
            let answer = self.within_limit(operation.run(&mut tx)).await;
            let Tx::Postgres(tx) = tx else { return Err(panicked().into()) };
            match (tx.failure().cloned(), answer) {
                (Some(failure), Some(_)) if failure.remedy != Remedy::None => patience.pause(self, failure).await?,
                (Some(failure), Some(Ok(_))) => return Err(failure.error.into()),
                (_, Some(answer)) => return answer,
                (_, None) => return Err(self.out_of_time(tx).into()),
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

    fn patience(&self) -> Patience {
        Patience { until: Instant::now() + self.wait, tries: 0, looks: 0 }
    }
}

/// How long, and how often, an operation is tried again.
struct Patience {
    until: Instant,
    tries: u32,
    looks: u32,
}

impl Patience {
    /// Waits a little before the next try; answers the failure when it was the last.
    async fn pause(&mut self, shared: &Shared, failure: Failure) -> Result<()> {
        self.tries += 1;
        self.looks += u32::from(failure.remedy == Remedy::LookAgain);
        if self.looks > LOOKS || Instant::now() >= self.until {
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

fn panicked() -> StoreError {
    StoreError::Internal("the operation panicked".into())
}
