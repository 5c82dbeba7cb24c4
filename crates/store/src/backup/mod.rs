//! A copy of a folder's store, made while it is served, and the way back.
//!
//! * [`Store::back_up`] — `VACUUM INTO` on a connection of its own: one consistent moment, while others read and write.
//! * [`Restore`] — checks such a copy and puts it into a folder that has no store.
//!
//! A backup is a folder, `backups/NAME/`, that appears as a whole once everything in it is synced:
//!
//! ```text
//! agentchat.db    the database, without a log
//! objects.txt     names of the objects it refers to, one a line; their bytes are not copied
//! SHA256SUMS      of both, as `sha256sum -c` reads it
//! ```
//!
//! The index for searching is not part of it; it is built anew.

mod error;
mod objects;
mod restore;
mod take;

use std::path::PathBuf;

pub use self::error::{BackupError, RestoreError};
pub use self::restore::{Restore, Restored};
use self::take::check_name;
pub(crate) use self::take::{BACKUPS, finish, partial, prepare};
use crate::Store;

/// Names of the files of a backup.
pub(crate) const OBJECTS_FILE: &str = "objects.txt";
pub(crate) const SUMS_FILE: &str = "SHA256SUMS";

/// A finished backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The database's copy.
    pub file: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its hash.
    pub sha256: [u8; 32],
    /// Objects that the store refers to, and that have to be kept beside it.
    pub objects: usize,
}

impl Store {
    /// Copies the store into `backups/NAME/` of its folder, as it is at one moment after the call. Whoever reads and
    /// writes goes on meanwhile; only the log cannot start over before the copy is complete. Should it grow to the size
    /// of the database (or 1 GiB, if that is more) the copy is given up.
    ///
    /// # Errors
    /// [`BackupError`]; then nothing of that name is there that was not there before.
    pub async fn back_up(&self, name: &str) -> Result<Backup, BackupError> {
        check_name(name)?;
        match self.embedded() {
            Some(embedded) => embedded.back_up(name).await,
            None => Err(BackupError::Shared),
        }
    }
}
