//! The embedded engine as a whole: a folder, its threads, the way of an operation through them.

use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::{
    Checkpointer, DATABASE_FILE, Finished, Log, Others, Queue, ReadJob, Readers, SearchIndex, Writer, WriterParts, take,
};
use crate::backup::{BACKUPS, Backup, BackupError};
use crate::key::MessageKey;
use crate::running::{Then, TypedRead, TypedWrite, at_once, panicked};
use crate::search::{BATCH, Indexed, Lookup};
use crate::store::{Lane, closed};
use crate::tables::Follow;
use crate::{OpenError, Read, StoreError, StoreOptions, StoreStats, Write};

/// An open folder.
pub(crate) struct Embedded {
    queue: Arc<Queue>,
    readers: Arc<Readers>,
    log: Arc<Log>,
    commits: Arc<AtomicU64>,
    threads: Mutex<Threads>,
    beside: Arc<Others>,
    search: Arc<SearchIndex>,
    /// No backup is to go on.
    closing: Arc<AtomicBool>,
    /// One backup at a time.
    backups: tokio::sync::Mutex<()>,
    // Held open for the flock it carries.
    lock: File,
}

#[derive(Default)]
struct Threads {
    checkpointer: Option<Checkpointer>,
    others: Vec<std::thread::JoinHandle<()>>,
    answers: Option<tokio::task::JoinHandle<()>>,
}

impl Embedded {
    pub(crate) fn open(options: StoreOptions) -> Result<Self, OpenError> {
        let folder = options.folder.as_path();
        let (lock, mut connection) = take(folder)?;
        let file = folder.join(DATABASE_FILE);
        let failed = |error: rusqlite::Error| OpenError::Database { folder: folder.to_owned(), source: error.into() };
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
        let search = Arc::new(SearchIndex::new(folder).map_err(spawned)?);
        let answers = Some(tokio::spawn(answer(answers)));
        let threads = Mutex::new(Threads { checkpointer: Some(checkpointer), others, answers });
        let (closing, backups) = (Arc::default(), tokio::sync::Mutex::default());
        Ok(Self { queue, readers, log, commits, threads, beside, search, closing, backups, lock })
    }

    pub(crate) async fn write<W: Write>(
        &self,
        operation: W,
        then: Option<Then<W>>,
        lane: Lane,
    ) -> Result<W::Out, W::Error> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(TypedWrite { operation, answer: None, then, reply });
        if let Err((job, error)) = self.queue.push(job, lane == Lane::Own) {
            job.finish(Err(error));
        }
        answer.await.unwrap_or_else(|_| Err(closed().into()))
    }

    pub(crate) async fn read<R: Read>(&self, operation: R) -> Result<R::Out, R::Error> {
        let (reply, answer) = oneshot::channel();
        let job: ReadJob = Box::new(move |tx| {
            let mut job = TypedRead { operation, answer: None };
            let seen = tx.map_or_else(|| Err(unopened()), |tx| at_once(job.start(tx)));
            let answer = seen.map_err(Into::into).and_then(|_| job.answer.unwrap_or_else(|| Err(panicked().into())));
            // The caller may be gone; nothing was changed.
            let _ = reply.send(answer);
        });
        self.readers.push(job)?;
        answer.await.unwrap_or_else(|_| Err(closed().into()))
    }

    pub(crate) async fn index_some(&self) -> Result<Indexed, StoreError> {
        let (after, id) = self.search.followed().await?;
        let Some(entries) = self.read(Follow { after, id }).await? else {
            tracing::warn!("the index of words is not of this database; it is made anew");
            self.search.clear().await?;
            return Ok(Indexed { messages: 0, more: true });
        };
        let messages = entries.len();
        if messages > 0 {
            self.search.add(after, entries).await?;
        }
        Ok(Indexed { messages, more: messages == BATCH })
    }

    pub(crate) async fn look_up(&self, lookup: Lookup) -> Result<Vec<MessageKey>, StoreError> {
        self.search.look_up(lookup).await
    }

    pub(crate) async fn unindex(&self, messages: Vec<MessageKey>) -> Result<(), StoreError> {
        self.search.remove(messages).await
    }

    /// The last message that was taken into the index.
    pub(crate) async fn indexed_through(&self) -> Result<MessageKey, StoreError> {
        Ok(self.search.followed().await?.0)
    }

    pub(crate) async fn back_up(&self, name: &str) -> Result<Backup, BackupError> {
        let _one_at_a_time = self.backups.lock().await;
        let folder = self.beside.file().with_file_name(BACKUPS);
        let (others, log) = (Arc::clone(&self.beside), Arc::clone(&self.log));
        let (name, closing) = (name.to_owned(), Arc::clone(&self.closing));
        let made = tokio::task::spawn_blocking(move || super::backup::back_up(&folder, &name, &others, &log, &closing));
        made.await.unwrap_or(Err(BackupError::Interrupted))
    }

    pub(crate) fn stats(&self) -> StoreStats {
        StoreStats {
            queue_depth: self.queue.depth(),
            commits: self.commits.load(Ordering::Relaxed),
            log_bytes: self.log.bytes(),
        }
    }

    pub(crate) async fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.queue.close();
        self.readers.close();
        let mut threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let (beside, log, search) = (Arc::clone(&self.beside), Arc::clone(&self.log), Arc::clone(&self.search));
        let joined = tokio::task::spawn_blocking(move || {
            search.close();
            threads.join(&beside, &log);
            threads.answers
        });
        if let Ok(Some(answers)) = joined.await {
            // The writer is gone, so the task ends by itself after the last answer.
            let _ = answers.await;
            // Clones may outlive this; the folder is free for the next store all the same.
            let _ = self.lock.unlock();
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        self.queue.close();
        self.readers.close();
        self.search.close();
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

fn unopened() -> StoreError {
    StoreError::Unavailable("the database cannot be opened".into())
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}
