//! One handle for every engine: opening a store and running operations on it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::postgres::{Postgres, PostgresOptions};
use crate::running::Then;
use crate::sqlite::Embedded;
use crate::{Engine, OpenError, Read, StoreError, Write};

/// How a folder is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The data folder; made when it is missing.
    pub folder: PathBuf,
    /// Callers' operations that may wait before further ones are refused as [`StoreError::Busy`].
    pub queue: usize,
    /// Operations in one commit at the most.
    pub batch: usize,
    /// Connections that read.
    pub readers: usize,
    /// Pause between two checkpoints while there is something to copy.
    pub checkpoint_every: Duration,
    /// Length of the log, in bytes, from which on the writer makes it start over.
    pub log_restart: u64,
}

impl StoreOptions {
    /// The defaults, for this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            queue: 4096,
            batch: 512,
            readers: 2,
            checkpoint_every: Duration::from_millis(20),
            log_restart: 32 * 1024 * 1024,
        }
    }
}

/// Numbers about the store, for metrics.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreStats {
    /// Operations waiting for the writer.
    pub queue_depth: usize,
    /// Commits since the start.
    pub commits: u64,
    /// Bytes in the log.
    pub log_bytes: u64,
}

/// A handle to an open store; clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

enum Inner {
    Embedded(Embedded),
    Postgres(Postgres),
}

/// Who waits for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// A caller; refused when too many wait already.
    Caller,
    /// The server's own work; never refused.
    Own,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("engine", &self.engine()).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens (and if need be creates and migrates) the store of a folder. Must be called inside a tokio runtime,
    /// on which answers are handed out.
    ///
    /// # Errors
    /// [`OpenError`]: the folder is in use, unusable, damaged, or from a newer version.
    pub fn open(options: StoreOptions) -> Result<Self, OpenError> {
        Embedded::open(options).map(|embedded| Self { inner: Arc::new(Inner::Embedded(embedded)) })
    }

    /// Connects to (and if need be migrates) a PostgreSQL database that several nodes may share. Tries for
    /// [`PostgresOptions::connect_within`].
    ///
    /// # Errors
    /// [`OpenError`]: the server cannot be reached or refuses, or the database is from a newer version.
    pub async fn connect(options: PostgresOptions) -> Result<Self, OpenError> {
        let postgres = Postgres::connect(options).await?;
        Ok(Self { inner: Arc::new(Inner::Postgres(postgres)) })
    }

    /// Which database is underneath.
    pub fn engine(&self) -> Engine {
        match &*self.inner {
            Inner::Embedded(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    /// Asks the database for a sign of life; the embedded one is always there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be reached.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match &*self.inner {
            Inner::Embedded(_) => Ok(()),
            Inner::Postgres(postgres) => postgres.ping().await,
        }
    }

    /// Runs an operation of a caller and answers once it is durable.
    ///
    /// # Errors
    /// The operation's own, or the store's: [`StoreError::Busy`] when too many wait already.
    pub async fn write<W: Write>(&self, operation: W) -> Result<W::Out, W::Error> {
        self.submit(operation, None, Lane::Caller).await
    }

    /// As [`Store::write`]; `then` sees the answer first. Of operations that touch the same rows these run in commit
    /// order, so they must be quick.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_then<W: Write>(
        &self,
        operation: W,
        then: impl FnOnce(&Result<W::Out, W::Error>) + Send + 'static,
    ) -> Result<W::Out, W::Error> {
        self.submit(operation, Some(Box::new(then)), Lane::Caller).await
    }

    /// As [`Store::write`] for the server's own work (settlements, jobs): never refused because callers wait.
    ///
    /// # Errors
    /// As [`Store::write`], but never [`StoreError::Busy`].
    pub async fn write_own<W: Write>(&self, operation: W) -> Result<W::Out, W::Error> {
        self.submit(operation, None, Lane::Own).await
    }

    /// As [`Store::write_own`]; `then` as in [`Store::write_then`].
    ///
    /// # Errors
    /// As [`Store::write_own`].
    pub async fn write_own_then<W: Write>(
        &self,
        operation: W,
        then: impl FnOnce(&Result<W::Out, W::Error>) + Send + 'static,
    ) -> Result<W::Out, W::Error> {
        self.submit(operation, Some(Box::new(then)), Lane::Own).await
    }

    async fn submit<W: Write>(&self, operation: W, then: Option<Then<W>>, lane: Lane) -> Result<W::Out, W::Error> {
        match &*self.inner {
            Inner::Embedded(embedded) => embedded.write(operation, then, lane).await,
            Inner::Postgres(postgres) => postgres.write(operation, then, lane).await,
        }
    }

    /// Runs a read on a snapshot.
    ///
    /// # Errors
    /// The operation's own, or the store's: [`StoreError::Busy`] when too many wait already.
    pub async fn read<R: Read>(&self, operation: R) -> Result<R::Out, R::Error> {
        match &*self.inner {
            Inner::Embedded(embedded) => embedded.read(operation).await,
            Inner::Postgres(postgres) => postgres.read(operation).await,
        }
    }

    /// The folder's engine, if that is underneath.
    pub(crate) fn embedded(&self) -> Option<&Embedded> {
        match &*self.inner {
            Inner::Embedded(embedded) => Some(embedded),
            Inner::Postgres(_) => None,
        }
    }

    /// Numbers for metrics.
    pub fn stats(&self) -> StoreStats {
        match &*self.inner {
            Inner::Embedded(embedded) => embedded.stats(),
            Inner::Postgres(postgres) => postgres.stats(),
        }
    }

    /// Finishes what is queued and lets go of the database. Later operations are refused as
    /// [`StoreError::Unavailable`].
    pub async fn close(&self) {
        match &*self.inner {
            Inner::Embedded(embedded) => embedded.close().await,
            Inner::Postgres(postgres) => postgres.close().await,
        }
    }
}

pub(crate) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}
