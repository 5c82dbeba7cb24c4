//! The durable store of AgentChat: the only crate that knows SQL.
//!
//! An *operation* ([`Write`] or [`Read`]) holds everything it needs, time and ids included, and runs inside one
//! transaction ([`Tx`]). The embedded engine is SQLite: one writer thread commits operations in groups, each in its
//! own savepoint, and answers them only after the log was synced; readers have their own threads; checkpoints happen
//! beside both. PostgreSQL is for several nodes: a transaction an operation, run again when another was in the way.
//!
//! * [`Store`] — opens a data folder or connects to PostgreSQL, runs operations, hands back what they returned.
//! * [`Tx`] — what an operation may do; its SQL is private, the verbs live in [`tables`].
//! * [`search`] — which messages hold which words.
//! * [`backup`] — copies a folder's store while it is served, and puts such a copy back.
//! * [`key`] — the integer keys rows are known by inside.
//! * [`transfer`] — moves a folder's store to PostgreSQL.
//!
//! ```
//! # #[derive(Debug)] struct E; impl From<agentchat_store::StoreError> for E { fn from(_: agentchat_store::StoreError) -> Self { E } }
//! use agentchat_store::{Read, Store, StoreOptions, Tx};
//!
//! struct CountAgents;
//! impl Read for CountAgents {
//!     type Out = i64;
//!     type Error = agentchat_store::StoreError;
//!     async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Self::Error> {
//!         tx.count_agents().await
//!     }
//! }
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let store = Store::open(StoreOptions::new(folder.path())).unwrap();
//! assert_eq!(store.read(CountAgents).await.unwrap(), 0);
//! store.close().await;
//! # });
//! ```

pub mod backup;
mod error;
pub mod key;
mod operation;
mod postgres;
mod row;
mod running;
pub mod search;
mod sqlite;
mod store;
pub mod tables;
pub mod transfer;
mod tx;

pub use error::{OpenError, Result, StoreError};
pub use operation::{HotRow, Read, Write};
pub use postgres::PostgresOptions;
pub use store::{Store, StoreOptions, StoreStats};
pub use tx::{Engine, Tx};
