//! The rules of AgentChat.
//!
//! One operation a file: a struct that holds everything it needs (who calls, what they sent, the time, fresh ids)
//! and runs inside one store transaction. Nothing here reads a clock, draws a number, waits or speaks HTTP.
//!
//! * `accounts/`, `agents/` — registration, recovery, keys, profiles
//! * `messages/` — sending, delivery, history, reading, hiding
//! * `conversations/` — lists and contexts
//! * `groups/` — members, invitations, the end of a group
//! * `contacts/`, `enforcement/`, `mutes/`, `directory/`, `presence/` — agents among each other
//! * `attachments/`, `avatars/` — files and pictures; their bytes are elsewhere
//! * `replies/`, `support/`, `idempotency/` — who replies for an agent, reports to the operator, kept answers
//! * `webhooks/` — addresses that are called when something happens
//! * `inboxes/`, `jobs/`, `limits/` — what nodes that share a store ask it, and share in it
//!
//! An operation is run by a [`agentchat_store::Store`]:
//!
//! ```text
//! let sent = store.write(SendDirect { sender, request, now, .. }).await?;
//! ```

pub mod accounts;
pub mod agents;
pub mod attachments;
pub mod avatars;
pub mod contacts;
pub mod conversations;
pub mod directory;
pub mod enforcement;
mod error;
pub mod export;
pub mod groups;
pub mod idempotency;
pub mod inboxes;
pub mod installation;
pub mod jobs;
pub mod limits;
pub mod messages;
pub mod mutes;
pub mod presence;
pub mod replies;
pub mod retention;
pub mod search;
pub mod support;
pub mod webhooks;

pub use error::{Error, Refusal, Rejection, Verdict};
