//! One file a table: the verbs operations use, each one statement of portable SQL.

mod agents;
mod audit;
mod conversations;
mod counts;
mod direct_send;
mod envelopes;
mod groups;
mod idempotency;
mod jobs;
mod limiter;
mod locks;
mod members;
mod messages;
mod meta;
mod otp;
mod presence;
mod relations;
mod replies;
mod reports;
mod support;

/// What a direct send to a handle says to PostgreSQL between `BEGIN` and `COMMIT`, in this order, for measurements that
/// let PostgreSQL's own tools say the same: locks (`$1` sender, `$2` handle), state (`$1` now, `$2` `key16`, `$3` handle,
/// `$4` sender), and the one that stores (parameters as in its text).
pub const DIRECT_SEND_STATEMENTS: [&str; 3] = [locks::BY_HANDLE, direct_send::BY_HANDLE, direct_send::STORE];

pub use agents::{AgentInboxRow, AgentRow, EmailUse, NewAgent};
pub use audit::{Actor, AuditEvent};
pub use conversations::DirectConversation;
pub use counts::{AgentCounts, MessageCounts};
pub use direct_send::{
    DirectMessage, DirectSendState, DirectTarget, EarlierSend, PairState, RecipientState, SenderState, StoredDirect,
};
pub use envelopes::{Inbox, InboxHead};
pub use jobs::{JobRow, Work};
pub use messages::{EnvelopeState, HistoryCursor, MessageRow, NewMessage};
pub use otp::{CountedTry, Flow, PendingRow};
pub use relations::ContactEdge;
