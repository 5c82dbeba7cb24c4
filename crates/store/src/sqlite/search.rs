//! The index of words of a folder: a file of its own that follows the database's messages by their keys, which rise in
//! the order of commits.
//!
//! How far it came stands in the same file and is written in the same transaction, so a crash repeats or loses nothing.
//! Its commits are not synced: what a power cut takes of them is read from the messages again. So is everything when the
//! file is missing, damaged, of another version or of another database (the last message it took in is not that one
//! there). Nothing that is acknowledged depends on it, and the database's writer has no part in it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use tokio::sync::{Semaphore, oneshot};

use crate::key::MessageKey;
use crate::search::{Entry, Lookup};
use crate::store::closed;
use crate::{Result, StoreError};

/// Name of the file inside the data folder.
const FILE: &str = "search.db";
/// What words are, and how they are kept. Another one makes the index anew.
const VERSION: i64 = 1;
/// Connections that look.
const READERS: usize = 2;
/// Look-ups that may wait.
const WAITING: usize = 256;

/// Words are separated by spaces and hold nothing but letters, digits and, in marks, `_`; so this tokenizer leaves them
/// as they are. Beginnings of up to three letters are kept as well: they are too many to be gathered when asked for.
const SCHEMA: &str = "
    CREATE VIRTUAL TABLE word USING fts5(words, content='', contentless_delete=1, detail=none, prefix='1 2 3',
        tokenize=\"ascii tokenchars '_'\");
    INSERT INTO word (word, rank) VALUES ('automerge', 8);
    -- The last message that was taken in.
    CREATE TABLE followed (one INTEGER PRIMARY KEY CHECK (one = 1), message INTEGER NOT NULL, id BLOB NOT NULL);
    -- Messages behind it that are not to be taken in.
    CREATE TABLE left_out (message INTEGER PRIMARY KEY);
";

/// How far the index came: a message and its id.
pub(super) type Followed = (MessageKey, [u8; 16]);

type Job = Box<dyn FnOnce(&Shelf) + Send>;

/// The index with the thread that writes it.
pub(crate) struct SearchIndex {
    shelf: Arc<Shelf>,
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    waiting: Arc<Semaphore>,
}

impl SearchIndex {
    /// Of this folder; the file is opened when it is needed.
    pub(super) fn new(folder: &Path) -> std::io::Result<Self> {
        let shelf = Arc::new(Shelf::new(folder.join(FILE)));
        let (jobs, work) = channel();
        let thread = {
            let shelf = Arc::clone(&shelf);
            std::thread::Builder::new().name("index".into()).spawn(move || run(&shelf, &work))?
        };
        let (jobs, thread) = (Mutex::new(Some(jobs)), Mutex::new(Some(thread)));
        Ok(Self { shelf, jobs, thread, waiting: Arc::new(Semaphore::new(WAITING)) })
    }

    pub(super) async fn followed(&self) -> Result<Followed> {
        self.write(|index| followed(index)).await
    }

    /// Takes in messages in the order of their keys. Does nothing when the index is no longer at `after`.
    pub(super) async fn add(&self, after: MessageKey, entries: Vec<Entry>) -> Result<()> {
        self.write(move |index| add(index, after, &entries)).await
    }

    pub(super) async fn remove(&self, messages: Vec<MessageKey>) -> Result<()> {
        self.write(move |index| remove(index, &messages)).await
    }

    /// Begins anew with an empty index.
    pub(super) async fn clear(&self) -> Result<()> {
        self.run(Shelf::clear).await
    }

    pub(super) async fn look_up(&self, lookup: Lookup) -> Result<Vec<MessageKey>> {
        let permit = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| StoreError::Busy)?;
        let shelf = Arc::clone(&self.shelf);
        let looking = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            shelf.look_up(&lookup)
        });
        looking.await.map_err(|_| StoreError::Internal("a look-up panicked".into()))?
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(move |shelf| shelf.write(work)).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Shelf) -> Result<T> + Send + 'static) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |shelf| {
            // Who asked may be gone.
            let _ = reply.send(work(shelf));
        });
        let sent = lock(&self.jobs).as_ref().map(|jobs| jobs.send(job));
        if !matches!(sent, Some(Ok(()))) {
            return Err(closed());
        }
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Finishes what is queued and closes the file.
    pub(super) fn close(&self) {
        drop(lock(&self.jobs).take());
        if let Some(thread) = lock(&self.thread).take() {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
        self.shelf.close();
    }
}

fn run(shelf: &Shelf, work: &Receiver<Job>) {
    give_way();
    while let Ok(job) = work.recv() {
        job(shelf);
    }
}

/// Sends come first: where they take all processors, the index gets what is left over.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::debug!(%error, "the index keeps its priority");
    }
}

/// The file and the connections to it, opened as they are needed.
struct Shelf {
    file: PathBuf,
    writer: Mutex<Option<Connection>>,
    readers: [Mutex<Option<Connection>>; READERS],
    turn: AtomicUsize,
    /// A reader found the file damaged.
    damaged: AtomicBool,
}

impl Shelf {
    fn new(file: PathBuf) -> Self {
        let readers = std::array::from_fn(|_| Mutex::new(None));
        Self { file, writer: Mutex::new(None), readers, turn: AtomicUsize::new(0), damaged: AtomicBool::new(false) }
    }

    fn write<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        if self.damaged.swap(false, Ordering::AcqRel) {
            self.clear()?;
        }
        let mut slot = lock(&self.writer);
        if slot.is_none() {
            *slot = Some(open(&self.file)?);
        }
        let connection = slot.as_mut().ok_or_else(closed)?;
        let done = work(connection);
        drop(slot);
        if done.as_ref().is_err_and(is_damage) {
            self.clear()?;
        }
        Ok(done?)
    }

    fn look_up(&self, lookup: &Lookup) -> Result<Vec<MessageKey>> {
        let mut slot = self.reader();
        if slot.is_none() {
            if !self.file.is_file() {
                return Ok(Vec::new());
            }
            *slot = reader(&self.file)?;
        }
        // It is being made just now.
        let Some(connection) = slot.as_ref() else { return Ok(Vec::new()) };
        let found = look_up(connection, lookup);
        if found.as_ref().is_err_and(is_damage) {
            *slot = None;
            self.damaged.store(true, Ordering::Release);
        }
        Ok(found?)
    }

    /// A connection that is free, else the next one.
    fn reader(&self) -> MutexGuard<'_, Option<Connection>> {
        let free = self.readers.iter().find_map(|slot| slot.try_lock().ok());
        free.unwrap_or_else(|| lock(&self.readers[self.turn.fetch_add(1, Ordering::Relaxed) % READERS]))
    }

    /// Throws the file away; it is made anew when it is needed.
    fn clear(&self) -> Result<()> {
        tracing::info!(file = %self.file.display(), "the index of words is made anew");
        self.close();
        remove_file(&self.file).map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    fn close(&self) {
        for slot in self.readers.iter().chain([&self.writer]) {
            *lock(slot) = None;
        }
    }
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn remove_file(file: &Path) -> std::io::Result<()> {
    for end in ["-wal", "-shm", ""] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The connection that writes, to a file of this version.
fn open(file: &Path) -> Result<Connection> {
    match prepare(file) {
        Ok(Some(connection)) => return Ok(connection),
        Ok(None) => tracing::info!("the index of words is of another version and is made anew"),
        Err(error) if is_damage(&error) => tracing::warn!(%error, "the index of words is damaged and is made anew"),
        Err(error) => return Err(error.into()),
    }
    remove_file(file).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    prepare(file)?.ok_or_else(|| StoreError::Internal("a new index has no version".into()))
}

/// None when the file is of another version.
fn prepare(file: &Path) -> rusqlite::Result<Option<Connection>> {
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "page_size", 4096)?;
    connection.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -16 * 1024)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 {
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    Ok((version == 0 || version == VERSION).then_some(connection))
}

/// None while the file is not made yet.
fn reader(file: &Path) -> rusqlite::Result<Option<Connection>> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.pragma_update(None, "cache_size", -8 * 1024)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok((version == VERSION).then_some(connection))
}

fn followed(index: &Connection) -> rusqlite::Result<Followed> {
    let found = index
        .prepare_cached("SELECT message, id FROM followed")?
        .query_row([], |row| Ok((MessageKey(row.get(0)?), row.get(1)?)))
        .optional()?;
    Ok(found.unwrap_or((MessageKey(0), [0; 16])))
}

fn add(index: &mut Connection, after: MessageKey, entries: &[Entry]) -> rusqlite::Result<()> {
    let Some(last) = entries.last() else { return Ok(()) };
    let transaction = index.transaction()?;
    if followed(&transaction)?.0 != after {
        return Ok(());
    }
    let left_out = left_out(&transaction, last.message)?;
    {
        let mut insert = transaction.prepare_cached("INSERT INTO word (rowid, words) VALUES (?1, ?2)")?;
        let mut words = String::new();
        for entry in entries.iter().filter(|entry| !left_out.contains(&entry.message.0)) {
            entry.words(&mut words);
            if !words.is_empty() {
                insert.execute(params![entry.message.0, words])?;
            }
        }
        transaction
            .prepare_cached("INSERT OR REPLACE INTO followed (one, message, id) VALUES (1, ?1, ?2)")?
            .execute(params![last.message.0, last.id])?;
    }
    transaction.commit()
}

/// Messages up to this one that are not to be taken in; they need not be remembered any longer.
fn left_out(index: &Connection, through: MessageKey) -> rusqlite::Result<HashSet<i64>> {
    let mut forget = index.prepare_cached("DELETE FROM left_out WHERE message <= ?1 RETURNING message")?;
    forget.query_map([through.0], |row| row.get(0))?.collect()
}

fn remove(index: &mut Connection, messages: &[MessageKey]) -> rusqlite::Result<()> {
    // What is gone shall not come back with a power cut.
    index.pragma_update(None, "synchronous", "FULL")?;
    let removed = remove_all(index, messages);
    index.pragma_update(None, "synchronous", "NORMAL")?;
    removed
}

fn remove_all(index: &mut Connection, messages: &[MessageKey]) -> rusqlite::Result<()> {
    let transaction = index.transaction()?;
    let (through, _) = followed(&transaction)?;
    {
        let mut delete = transaction.prepare_cached("DELETE FROM word WHERE rowid = ?1")?;
        let mut leave_out = transaction.prepare_cached("INSERT OR IGNORE INTO left_out (message) VALUES (?1)")?;
        for message in messages {
            let statement = if *message <= through { &mut delete } else { &mut leave_out };
            statement.execute([message.0])?;
        }
    }
    transaction.commit()
}

fn look_up(index: &Connection, lookup: &Lookup) -> rusqlite::Result<Vec<MessageKey>> {
    let limit = i64::try_from(lookup.limit).unwrap_or(i64::MAX);
    index
        .prepare_cached(
            "SELECT rowid FROM word WHERE word MATCH ?1 AND rowid > ?2 AND rowid < ?3 ORDER BY rowid DESC LIMIT ?4",
        )?
        .query_map(params![lookup.fts5(), lookup.above.0, lookup.below.0, limit], |row| row.get(0).map(MessageKey))?
        .collect()
}
