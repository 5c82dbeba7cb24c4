//! Why a store was not moved.

use std::path::PathBuf;

use crate::{OpenError, StoreError};

/// Why a store was not moved. Unless said otherwise nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// There is no store in the folder, so there is nothing to move.
    #[error("there is no store in {}", .0.display())]
    NoStore(PathBuf),
    /// The folder cannot be used: a server runs on it, or its store was moved already.
    #[error(transparent)]
    Source(#[from] OpenError),
    /// The folder's database cannot be read.
    #[error("cannot read the store in {}: {cause}", folder.display())]
    Folder { folder: PathBuf, cause: StoreError },
    /// The database cannot be used: it cannot be reached, refuses, or is newer than this program.
    #[error("the target cannot be used: {0}")]
    Target(#[source] OpenError),
    /// Something is in the database already.
    #[error("the database {target} is not empty: {tables}")]
    NotEmpty {
        /// `host:port/database`.
        target: String,
        /// The tables that hold rows.
        tables: String,
    },
    /// The tables or columns of the two are not the same; usually one was made by another version of this program.
    #[error("the store's tables and those of the database {target} differ: {difference}")]
    Schema {
        /// `host:port/database`.
        target: String,
        /// The first difference.
        difference: String,
    },
    /// A value in the folder that PostgreSQL cannot hold.
    #[error("{table}.{column} of the row {key} cannot be moved: {problem}")]
    Value {
        /// Where it is.
        table: String,
        column: String,
        /// The row's key.
        key: String,
        problem: &'static str,
    },
    /// The database refused in the middle.
    #[error("the database {target} refused: {cause}")]
    Database {
        /// `host:port/database`.
        target: String,
        /// In its own words.
        cause: String,
    },
    /// What arrived is not what was sent.
    #[error("the table {table} did not arrive as it is: {problem}")]
    Differs { table: String, problem: String },
    /// The connection was lost while everything was being committed. The folder stays marked as moved.
    #[error(
        "the connection to {target} was lost during the commit ({cause}), so the store may or may not have moved. If \
         the table agent there is empty it has not: delete the file MIGRATED in {} then, and try again", folder.display()
    )]
    InDoubt {
        /// The folder, still marked.
        folder: PathBuf,
        /// `host:port/database`.
        target: String,
        /// In its own words.
        cause: String,
    },
}
