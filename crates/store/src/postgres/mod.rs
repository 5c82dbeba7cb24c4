//! The engine that several nodes share: PostgreSQL, a transaction an operation, run again when somebody was in the way.
//!
//! # Who comes first
//!
//! READ COMMITTED, and locks on rows. An operation takes what it needs in this order and holds it to the commit:
//! conversations, inboxes in ascending order of their agents, the sender's row in `cold`, an e-mail's row in `mailbox`,
//! everything else. So of two operations on the same inbox or conversation the second reads what the first committed,
//! and positions and seqs are given out in commit order. What two operations still want at the same time (the first
//! message of a pair from both sides) ends in a violated key, and the loser is run again.

mod engine;
mod failure;
mod hot;
mod job;
mod migrate;
mod options;
mod tls;
mod transaction;
mod value;

pub(crate) use engine::{Postgres, connection};
pub(crate) use failure::{Remedy, remedy, spelled};
pub use options::PostgresOptions;
pub(crate) use transaction::Transaction;
