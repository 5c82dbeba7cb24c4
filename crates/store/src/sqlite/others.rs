//! The connections beside the writer's, each lent to its thread for one piece of work at a time, so that the writer
//! can close them all.
//!
//! # A database that could not be synced
//!
//! A checkpoint copies pages from the log into the database, notes in the log's index how far it came, and syncs the
//! database only when it came to the log's end. When that sync fails Linux drops what was not written, also the pages
//! of earlier checkpoints that are noted as copied. The next checkpoint would begin behind them, its sync would
//! succeed, the log would start over, and after a power cut those pages would be missing. Copying must begin again at
//! the log's beginning, and SQLite does that only when it builds the index anew: when a first connection is opened.
//! So after such a failure no checkpoint runs until every connection was closed, none of them copying anything on its
//! way out, and opened again ([`Others::reopen`]).

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::{reader, writer};

/// A connection, unless it could not be opened again.
pub(crate) type Slot = Mutex<Option<Connection>>;

pub(crate) struct Others {
    file: PathBuf,
    readers: Vec<Slot>,
    copier: Slot,
    /// A backup's, while one is made.
    vacuum: Slot,
}

impl Others {
    /// Opens connections for so many readers and for the thread that copies.
    pub(crate) fn open(file: &Path, readers: usize) -> rusqlite::Result<Self> {
        let readers = (0..readers).map(|_| Ok(Mutex::new(Some(reader(file)?)))).collect::<rusqlite::Result<_>>()?;
        let copier = Mutex::new(Some(writer(file)?));
        Ok(Self { file: file.to_owned(), readers, copier, vacuum: Mutex::new(None) })
    }

    /// A reader's connection, while no reopening is under way.
    pub(crate) fn reader(&self, number: usize) -> MutexGuard<'_, Option<Connection>> {
        lock(&self.readers[number])
    }

    /// The copying thread's connection. Whoever holds it is the only one who copies.
    pub(crate) fn copier(&self) -> MutexGuard<'_, Option<Connection>> {
        lock(&self.copier)
    }

    /// The place of a backup's connection, which exists as long as this is held.
    pub(crate) fn vacuum(&self) -> MutexGuard<'_, Option<Connection>> {
        lock(&self.vacuum)
    }

    /// The database.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Closes all and opens them again; answers the writer's. After an error there are none, until it is called again.
    pub(crate) fn reopen(&self, old: Option<Connection>) -> rusqlite::Result<Connection> {
        self.with_all(|all| {
            abandon(all, old)?;
            let fresh = writer(&self.file)?;
            let (copier, readers) = all.split_first_mut().expect("the copier's slot");
            // The last one is a backup's.
            for slot in readers.iter_mut().take(self.readers.len()) {
                **slot = Some(reader(&self.file)?);
            }
            **copier = Some(writer(&self.file)?);
            Ok(fresh)
        })
    }

    /// Closes all; the last one copies what is left and removes the log, unless the log is to stay as it is.
    pub(crate) fn close(&self, leave_log: bool) {
        self.with_all(|all| {
            if leave_log && let Err(error) = abandon(all, None) {
                tracing::error!(%error, "the log may not be left as it should be");
            }
            all.iter_mut().rev().for_each(|slot| **slot = None);
        });
    }

    /// The copier's slot first. Waits until nobody works on any of them.
    fn with_all<T>(&self, work: impl FnOnce(&mut [MutexGuard<'_, Option<Connection>>]) -> T) -> T {
        let mut all: Vec<_> =
            std::iter::once(&self.copier).chain(&self.readers).chain([&self.vacuum]).map(lock).collect();
        work(&mut all)
    }
}

fn abandon(all: &mut [MutexGuard<'_, Option<Connection>>], writer: Option<Connection>) -> rusqlite::Result<()> {
    for connection in all.iter().filter_map(|slot| slot.as_ref()).chain(&writer) {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    }
    all.iter_mut().for_each(|slot| **slot = None);
    drop(writer);
    Ok(())
}

fn lock(slot: &Slot) -> MutexGuard<'_, Option<Connection>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
