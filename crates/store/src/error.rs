//! What can go wrong in the store.

use std::path::PathBuf;

/// Result of anything the store does inside an operation.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Failure of an operation that is not one of its own rejections.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The queue of callers is full; the operation was not tried.
    #[error("the store has too many operations waiting")]
    Busy,
    /// Nothing was committed: the disk is full or failing, or the store is closing. Trying again later may succeed.
    #[error("the store cannot write now: {0}")]
    Unavailable(String),
    /// A fault of this program (bad SQL, a violated constraint, a panic). Nothing of this operation was committed.
    #[error("store operation failed: {0}")]
    Internal(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, OutOfMemory, ReadOnly, SystemIoFailure,
        };
        match error.sqlite_error_code() {
            Some(DiskFull | SystemIoFailure | OutOfMemory | ReadOnly | CannotOpen | DatabaseBusy | DatabaseLocked) => {
                Self::Unavailable(exact(&error))
            }
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// SQLite's "disk I/O error" stands for some forty different ones; among them a disk too full for the log's index.
fn exact(error: &rusqlite::Error) -> String {
    match error.sqlite_extended_error_code() {
        Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE) => "no space for the log's index, the disk is full".into(),
        Some(code) if code & 0xff == rusqlite::ffi::SQLITE_IOERR => format!("{error} (SQLite {code})"),
        _ => error.to_string(),
    }
}

/// Why a data folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the folder.
    #[error("the data folder {} is in use by another process; stop it first, or give this one a folder of its own", .0.display())]
    InUse(PathBuf),
    /// The folder's store was moved to PostgreSQL.
    #[error(
        "the store in {} was moved to the PostgreSQL database {target}; start servers with --database-url. The file \
         MIGRATED in the folder says how to go back", folder.display()
    )]
    Moved { folder: PathBuf, target: String },
    /// The folder could not be created or its lock file not be opened.
    #[error("cannot use {} as a data folder: {source}", folder.display())]
    Folder { folder: PathBuf, source: std::io::Error },
    /// The database inside could not be opened or migrated.
    #[error("cannot open the store in {}: {source}", folder.display())]
    Database { folder: PathBuf, source: StoreError },
    /// The URL of a PostgreSQL database, or what it names, cannot be used.
    #[error("PostgreSQL: {0}")]
    Options(String),
    /// PostgreSQL did not answer in time, or refused.
    #[error("cannot use the database {target}: {cause}")]
    Unreachable { target: String, cause: String },
    /// The schema could not be brought up to date; nothing was changed.
    #[error("cannot migrate the database {target}: {cause}")]
    Migration { target: String, cause: String },
    /// The folder was written by a newer version of this program.
    #[error(
        "the store is at schema {found}, this program knows schemas up to {known}; start the newer version that wrote it"
    )]
    TooNew { found: i64, known: i64 },
}
