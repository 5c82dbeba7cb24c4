//! Moves a stopped folder's store to an empty PostgreSQL database: everything or nothing.
//!
//! * [`Transfer`] — from where, to where; [`Transfer::run`] does it and answers what was moved.
//! * `schema` finds the tables in both databases and holds them against each other: nothing here lists them, so a table
//!   that a later migration adds is moved as well, and one that cannot be moved is an error.
//! * `source` reads a table in the order of its key, `rows` spells it as PostgreSQL's binary COPY, `target` writes it,
//!   reads it back and compares, all inside one transaction.
//!
//! ```no_run
//! # async fn example() -> Result<(), agentchat_store::transfer::TransferError> {
//! use agentchat_store::transfer::Transfer;
//!
//! let moved = Transfer::new("./data", "postgres://agentchat@db.internal/agentchat")?.run(|_| ()).await?;
//! println!("{} rows are in {}", moved.rows(), moved.target);
//! # Ok(())
//! # }
//! ```

mod error;
mod rows;
mod schema;
mod source;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Error;

pub use self::error::TransferError;
use self::source::Source;
use self::target::Target;
pub use crate::OpenError;
use crate::PostgresOptions;
use crate::postgres::{self, Remedy, remedy, spelled};
use crate::sqlite::{mark_moved, unmark_moved};

/// Somebody waits in front of a terminal.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// A store's way from a folder to a database.
#[derive(Debug)]
pub struct Transfer {
    from: PathBuf,
    to: PostgresOptions,
}

/// How far a table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being done with it.
    pub step: Step,
    /// The table's name.
    pub table: String,
    /// Rows so far.
    pub rows: u64,
    /// Rows in all.
    pub of: u64,
}

/// The two times each table is walked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its rows are written.
    Copy,
    /// What was written is read back and compared, byte by byte.
    Compare,
}

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// `host:port/database`.
    pub target: String,
    /// Every table with its number of rows, by name.
    pub tables: Vec<(String, u64)>,
}

impl Moved {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|(_, rows)| rows).sum()
    }
}

impl Transfer {
    /// Of the folder `from` to the database at the URL `to`, which [`PostgresOptions::parse`] reads.
    ///
    /// # Errors
    /// [`TransferError::Target`] names what is wrong with the URL, and never the password.
    pub fn new(from: impl Into<PathBuf>, to: &str) -> Result<Self, TransferError> {
        let mut to = PostgresOptions::parse(to).map_err(TransferError::Target)?;
        to.connect_within = CONNECT_WITHIN;
        Ok(Self { from: from.into(), to })
    }

    /// Copies and compares every table, then commits. Before that the folder is marked, so that no server is started
    /// on it any more; otherwise it stays as it is. Whatever goes wrong leaves the database empty and the folder
    /// unmarked, but for [`TransferError::InDoubt`].
    ///
    /// # Errors
    /// [`TransferError`]: a server runs on the folder, the database is not empty or cannot be reached, or the two
    /// differ where they must not.
    pub async fn run(self, mut progress: impl FnMut(Progress) + Send) -> Result<Moved, TransferError> {
        let source = Source::open(&self.from).await?;
        let target = self.to.target();
        let mut client = postgres::connection(&self.to).await.map_err(TransferError::Target)?;
        let transaction = client.transaction().await.map_err(|error| refused(&target, &error))?;
        let database = Target::new(transaction, target.clone());
        match move_all(&source, &database, &mut progress).await {
            Ok(tables) => {
                self.commit(database).await?;
                Ok(Moved { target, tables })
            }
            Err(error) => {
                // Nobody shall have to wait for locks of something that is over.
                database.rollback().await;
                Err(error)
            }
        }
    }

    /// The mark comes first: two stores that both go on are worse than one that has to be unmarked by hand.
    async fn commit(&self, target: Target<'_>) -> Result<(), TransferError> {
        let folder = &self.from;
        let unmarkable = |source| OpenError::Folder { folder: folder.clone(), source };
        if let Err(error) = mark_moved(folder, &target.name) {
            // Half a mark would keep the folder from being opened as well.
            let _ = unmark_moved(folder);
            return Err(unmarkable(error).into());
        }
        let name = target.name.clone();
        let Err(error) = target.commit().await else { return Ok(()) };
        if remedy(&error) == Remedy::Reconnect {
            return Err(TransferError::InDoubt { folder: folder.clone(), target: name, cause: spelled(&error) });
        }
        unmark_moved(folder).map_err(unmarkable)?;
        Err(refused(&name, &error))
    }
}

async fn move_all(
    source: &Source,
    target: &Target<'_>,
    progress: &mut (impl FnMut(Progress) + Send),
) -> Result<Vec<(String, u64)>, TransferError> {
    let mut moved = Vec::new();
    for table in target.take(source.tables().await?).await? {
        let of = source.count(&table).await?;
        let step = |step, rows| Progress { step, table: table.name.clone(), rows, of };
        let sent = target.copy(&table, source, |rows| progress(step(Step::Copy, rows))).await?;
        let kept = target.read_back(&table, |rows| progress(step(Step::Compare, rows))).await?;
        check(&table.name, of, &sent, &kept)?;
        moved.push((table.name, of));
    }
    target.queue_for_index().await?;
    Ok(moved)
}

/// A table as it was read or as it is kept: how many rows, and the hash of all their bytes in the order of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    rows: u64,
    hash: [u8; 32],
}

fn check(table: &str, counted: u64, sent: &Content, kept: &Content) -> Result<(), TransferError> {
    let differs = |problem: String| TransferError::Differs { table: table.to_owned(), problem };
    if sent.rows != counted {
        return Err(differs(format!("{counted} rows are counted in the folder, {} are found by key", sent.rows)));
    }
    if kept.rows != sent.rows {
        return Err(differs(format!("{} rows were sent, {} arrived", sent.rows, kept.rows)));
    }
    if kept.hash != sent.hash {
        return Err(differs("what arrived is not what was sent".into()));
    }
    Ok(())
}

fn refused(target: &str, error: &Error) -> TransferError {
    TransferError::Database { target: target.to_owned(), cause: spelled(error) }
}
