//! The rules of AgentChat.
//!
//! One operation a file: a struct that holds everything it needs (who calls, what they sent, the time, fresh ids)
//! and runs inside one store transaction. Nothing here reads a clock, draws a number, waits or speaks HTTP.
//!
//! * `accounts/`, `agents/` — registration, recovery, keys, profiles
//! * `messages/` — sending, delivery, history, reading, hiding
//! * `conversations/` — lists and contexts
//! * `inboxes/`, `jobs/`, `limits/` — what nodes that share a store ask it, and share in it
//!
//! An operation is run by a [`agentchat_store::Store`]:
//!
//! ```text
//! let sent = store.write(SendDirect { sender, request, now, .. }).await?;
//! ```

pub mod accounts;
pub mod agents;
pub mod conversations;
mod error;
pub mod inboxes;
pub mod installation;
pub mod jobs;
pub mod limits;
pub mod messages;

pub use error::{Error, Refusal, Rejection, Verdict};
