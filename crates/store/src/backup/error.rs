//! Why there is no backup, or no store out of one.

use std::path::PathBuf;

use crate::{OpenError, StoreError};

/// Why a backup was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is one of that name.
    #[error("there is a backup of that name")]
    Exists,
    /// The name is not 1–64 of a–z, 0–9 and `-`.
    #[error("a backup's name is 1 to 64 of a-z, 0-9 and -")]
    Name,
    /// The store is in PostgreSQL.
    #[error("the store is in PostgreSQL: back it up with pg_dump or the database's own means")]
    Shared,
    /// Writes came faster than the copy.
    #[error("the log grew to {0} bytes during the copy, which was given up; try again when less is written")]
    LogTooLong(u64),
    /// The store is being closed, or its connections are opened anew after the disk failed.
    #[error("the copy was interrupted")]
    Interrupted,
    /// The disk: full, or failing.
    #[error("the backup cannot be written: {0}")]
    Folder(#[from] std::io::Error),
    /// The database.
    #[error(transparent)]
    Store(StoreError),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Why nothing was restored; the folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is no such file.
    #[error("{} cannot be read: {source}", file.display())]
    Source { file: PathBuf, source: std::io::Error },
    /// The file is one of a running server, or of one that was killed.
    #[error("{} has a log beside it: it is a server's database, not a backup of one", .0.display())]
    HasLog(PathBuf),
    /// The bytes are not those that were written.
    #[error("{} was changed since the backup: its SHA-256 is not the one in SHA256SUMS", .0.display())]
    Sum(PathBuf),
    /// It is no SQLite database, or SQLite finds faults in it.
    #[error("{} is damaged or no backup of this program: {problem}", file.display())]
    Damaged { file: PathBuf, problem: String },
    /// It was written by a newer version of this program.
    #[error("the backup is at schema {found}, this program knows schemas up to {known}; use the version that wrote it")]
    TooNew { found: i64, known: i64 },
    /// The folder has a store.
    #[error("there is a store in {}; restore into a folder of its own", .0.display())]
    Occupied(PathBuf),
    /// A server runs on the folder, or the folder cannot be used.
    #[error(transparent)]
    Folder(#[from] OpenError),
    /// The disk: full, or failing.
    #[error("the store cannot be written: {0}")]
    Write(std::io::Error),
}
