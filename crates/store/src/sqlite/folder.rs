//! The data folder: one process at a time, and none once its store was moved elsewhere.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::Path;

use rusqlite::Connection;

use super::{DATABASE_FILE, migrate, writer};
use crate::OpenError;

/// Stands in a folder whose store was moved to PostgreSQL.
const MARKER: &str = "MIGRATED";

/// The folder's lock, held as long as the file is open, and a connection to its database at the newest schema.
pub(crate) fn take(folder: &Path) -> Result<(File, Connection), OpenError> {
    let lock = hold(folder)?;
    if let Some(target) = moved_to(folder)? {
        return Err(OpenError::Moved { folder: folder.to_owned(), target });
    }
    let failed = |error: rusqlite::Error| OpenError::Database { folder: folder.to_owned(), source: error.into() };
    let mut connection = writer(&folder.join(DATABASE_FILE)).map_err(failed)?;
    migrate::run(&mut connection, folder)?;
    Ok((lock, connection))
}

/// Whether a store was ever made here.
pub(crate) fn has_store(folder: &Path) -> bool {
    folder.join(DATABASE_FILE).is_file()
}

/// Keeps the folder from being opened again, from now on and after a power cut.
pub(crate) fn mark_moved(folder: &Path, target: &str) -> std::io::Result<()> {
    let mut file = File::create(folder.join(MARKER))?;
    write!(
        file,
        "The store in this folder was moved to the PostgreSQL database\n{target}\nand goes on there. Started from here \
         it would go on from the day of the move, beside the other.\n\nTo go on from here all the same, without \
         anything that happened since: stop the servers on that\ndatabase, then delete this file.\n"
    )?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

/// Takes [`mark_moved`] back.
pub(crate) fn unmark_moved(folder: &Path) -> std::io::Result<()> {
    std::fs::remove_file(folder.join(MARKER))
}

/// Where the folder's store went, as the marker says in its second line.
pub(crate) fn moved_to(folder: &Path) -> Result<Option<String>, OpenError> {
    match std::fs::read_to_string(folder.join(MARKER)) {
        Ok(text) => Ok(Some(text.lines().nth(1).unwrap_or("another database").to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(OpenError::Folder { folder: folder.to_owned(), source }),
    }
}

/// The folder's lock alone.
pub(crate) fn hold(folder: &Path) -> Result<File, OpenError> {
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
