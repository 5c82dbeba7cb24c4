//! Opening a data folder and running operations on it.

use std::fs::{File, OpenOptions, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::sqlite::{
    self, Checkpointer, DATABASE_FILE, Finished, Log, Others, Queue, ReadJob, Readers, TypedWrite, Writer, WriterParts,
    poll_once,
};
use crate::{OpenError, Read, StoreError, Write, migrate};

/// How a store is opened.
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

struct Inner {
    queue: Arc<Queue>,
    readers: Arc<Readers>,
    log: Arc<Log>,
    commits: Arc<AtomicU64>,
    threads: Mutex<Threads>,
    beside: Arc<Others>,
    // Held open for the flock it carries.
    _lock: File,
}

#[derive(Default)]
struct Threads {
    checkpointer: Option<Checkpointer>,
    others: Vec<std::thread::JoinHandle<()>>,
    answers: Option<tokio::task::JoinHandle<()>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens (and if need be creates and migrates) the store of a folder. Must be called inside a tokio runtime,
    /// on which answers are handed out.
    ///
    /// # Errors
    /// [`OpenError`]: the folder is in use, unusable, damaged, or from a newer version.
    pub fn open(options: StoreOptions) -> Result<Self, OpenError> {
        let folder = options.folder.as_path();
        let lock = lock(folder)?;
        let file = folder.join(DATABASE_FILE);
        let failed = |error: rusqlite::Error| OpenError::Database { folder: folder.to_owned(), source: error.into() };
        let mut connection = sqlite::writer(&file).map_err(failed)?;
        migrate::sqlite(&mut connection, folder)?;

        let spawned = |error: std::io::Error| OpenError::Folder { folder: folder.to_owned(), source: error };
        let log = Log::new(options.log_restart);
        log.watch(&mut connection).map_err(failed)?;
        let count = options.readers.max(1);
        let beside = Arc::new(Others::open(&file, count).map_err(failed)?);
        let queue = Arc::new(Queue::new(options.queue));
        let commits = Arc::new(AtomicU64::new(0));
        let (finished, answers) = mpsc::unbounded_channel();
        let writer = Writer::new(WriterParts {
            connection,
            others: Arc::clone(&beside),
            queue: Arc::clone(&queue),
            finished,
            log: Arc::clone(&log),
            commits: Arc::clone(&commits),
            batch_limit: options.batch,
        });
        let mut others = vec![thread("writer", move || writer.run()).map_err(spawned)?];
        let readers = Arc::new(Readers::new(options.queue));
        for number in 0..count {
            let (readers, beside) = (Arc::clone(&readers), Arc::clone(&beside));
            others.push(thread("reader", move || readers.run(&beside, number)).map_err(spawned)?);
        }
        let checkpointer = Checkpointer::start(Arc::clone(&beside), Arc::clone(&log), options.checkpoint_every);
        let checkpointer = checkpointer.map_err(spawned)?;
        let answers = Some(tokio::spawn(answer(answers)));
        let threads = Mutex::new(Threads { checkpointer: Some(checkpointer), others, answers });
        Ok(Self { inner: Arc::new(Inner { queue, readers, log, commits, threads, beside, _lock: lock }) })
    }

    /// Runs an operation of a caller and answers once it is durable.
    ///
    /// # Errors
    /// The operation's own, or the store's: [`StoreError::Busy`] when too many wait already.
    pub async fn write<W: Write>(&self, operation: W) -> Result<W::Out, W::Error> {
        self.submit(operation, None, false).await
    }

    /// As [`Store::write`]; `then` sees the answer first. Of all operations these run in commit order, one at a
    /// time, so they must be quick.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_then<W: Write>(
        &self,
        operation: W,
        then: impl FnOnce(&Result<W::Out, W::Error>) + Send + 'static,
    ) -> Result<W::Out, W::Error> {
        self.submit(operation, Some(Box::new(then)), false).await
    }

    /// As [`Store::write`] for the server's own work (settlements, jobs): never refused because callers wait.
    ///
    /// # Errors
    /// As [`Store::write`], but never [`StoreError::Busy`].
    pub async fn write_own<W: Write>(&self, operation: W) -> Result<W::Out, W::Error> {
        self.submit(operation, None, true).await
    }

    async fn submit<W: Write>(
        &self,
        operation: W,
        then: Option<crate::sqlite::Then<W>>,
        own: bool,
    ) -> Result<W::Out, W::Error> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(TypedWrite { operation, answer: None, then, reply });
        if let Err((job, error)) = self.inner.queue.push(job, own) {
            job.finish(Err(error));
        }
        answer.await.unwrap_or_else(|_| Err(closed().into()))
    }

    /// Runs a read on a snapshot.
    ///
    /// # Errors
    /// The operation's own, or the store's: [`StoreError::Busy`] when too many wait already.
    pub async fn read<R: Read>(&self, operation: R) -> Result<R::Out, R::Error> {
        let (reply, answer) = oneshot::channel();
        let job: ReadJob = Box::new(move |tx| {
            let answer = match tx {
                Some(tx) => catch_unwind(AssertUnwindSafe(|| poll_once(operation.run(tx)))),
                None => Ok(Err(unopened().into())),
            };
            // The caller may be gone; nothing was changed.
            let _ = reply.send(answer.unwrap_or_else(|_| Err(panicked().into())));
        });
        self.inner.readers.push(job)?;
        answer.await.unwrap_or_else(|_| Err(closed().into()))
    }

    /// Numbers for metrics.
    pub fn stats(&self) -> StoreStats {
        StoreStats {
            queue_depth: self.inner.queue.depth(),
            commits: self.inner.commits.load(Ordering::Relaxed),
            log_bytes: self.inner.log.bytes(),
        }
    }

    /// Finishes what is queued, copies the log into the database, stops the threads. Later operations are refused
    /// as [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.inner.queue.close();
        self.inner.readers.close();
        let mut threads = std::mem::take(&mut *self.inner.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let (beside, log) = (Arc::clone(&self.inner.beside), Arc::clone(&self.inner.log));
        let joined = tokio::task::spawn_blocking(move || {
            threads.join(&beside, &log);
            threads.answers
        });
        if let Ok(Some(answers)) = joined.await {
            // The writer is gone, so the task ends by itself after the last answer.
            let _ = answers.await;
            // Clones may outlive this; the folder is free for the next store all the same.
            let _ = self.inner._lock.unlock();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        self.readers.close();
        self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).join(&self.beside, &self.log);
    }
}

impl Threads {
    /// Waits for all that work on the database, then closes it; with its log if that must be copied from its
    /// beginning. Once is enough.
    fn join(&mut self, beside: &Others, log: &Log) {
        for thread in self.others.drain(..) {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
        if let Some(mut checkpointer) = self.checkpointer.take() {
            checkpointer.stop();
            beside.close(log.is_stale());
        }
    }
}

/// Hands answers out in commit order, on the runtime: one wake-up a batch instead of one a caller.
async fn answer(mut finished: mpsc::UnboundedReceiver<Finished>) {
    while let Some((batch, outcome)) = finished.recv().await {
        for job in batch {
            job.finish(outcome.clone());
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

fn unopened() -> StoreError {
    StoreError::Unavailable("the database cannot be opened".into())
}

fn panicked() -> StoreError {
    StoreError::Internal("the operation panicked".into())
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}

fn lock(folder: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Folder { folder: folder.to_owned(), source };
    make(folder).map_err(failed)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// A new folder's name must be on disk before anything in it is promised; SQLite sees to the names inside.
fn make(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    match folder.canonicalize()?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
