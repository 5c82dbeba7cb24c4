//! The copying itself: `VACUUM INTO`, on a connection that exists only for it.
//!
//! The copy is read from one snapshot, so that no reader of the log goes further than its beginning: checkpoints copy
//! up to there, and the log does not start over before the copy is done. It ends early when the log becomes too long,
//! and when the writer wants all connections closed, which waits for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, OpenFlags};

use super::{DATABASE_FILE, Log, Others};
use crate::backup::{Backup, BackupError, finish, partial, prepare};

/// The log may grow to this while a small database is copied.
const LONG: u64 = 1 << 30;
/// Steps of SQLite's machine between two looks at whether to go on; far less than a millisecond.
const STEPS: std::ffi::c_int = 10_000;

/// Makes the backup `name` in the folder `backups` of the database's folder. Blocks.
pub(super) fn back_up(
    backups: &Path,
    name: &str,
    others: &Others,
    log: &Arc<Log>,
    closing: &Arc<AtomicBool>,
) -> Result<Backup, BackupError> {
    prepare(backups, name)?;
    let folder = partial(backups, name);
    let copied = copy(&folder.join(DATABASE_FILE), others, log, closing);
    let done = copied.and_then(|()| finish(backups, name));
    if done.is_err() {
        // Else the next backup of that name does it.
        let _ = std::fs::remove_dir_all(&folder);
    }
    done
}

fn copy(to: &Path, others: &Others, log: &Arc<Log>, closing: &Arc<AtomicBool>) -> Result<(), BackupError> {
    let mut slot = others.vacuum();
    if log.is_stale() || closing.load(Ordering::Acquire) {
        return Err(BackupError::Interrupted);
    }
    let mut connection = open(others.file())?;
    let longest = std::fs::metadata(others.file())?.len().max(LONG);
    let (seen, stop) = (Arc::clone(log), Arc::clone(closing));
    let ends = move || seen.is_stale() || stop.load(Ordering::Acquire) || seen.bytes() > longest;
    connection.progress_handler(STEPS, Some(ends))?;
    // Lent to the slot, so that whoever wants all connections closed finds it there.
    let connection = slot.insert(connection);
    let path = to.to_str().ok_or_else(|| std::io::Error::other("the data folder's name is not UTF-8"))?;
    let copied = connection.execute("VACUUM INTO ?1", [path]);
    *slot = None;
    drop(slot);
    match copied {
        Ok(_) => Ok(()),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => {
            let bytes = log.bytes();
            Err(if bytes > longest { BackupError::LogTooLong(bytes) } else { BackupError::Interrupted })
        }
        Err(error) => Err(error.into()),
    }
}

/// As a reader's, but `query_only` would forbid the copy too.
fn open(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "cache_size", -8 * 1024)?;
    Ok(connection)
}
