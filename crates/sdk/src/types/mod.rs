//! What the server answers: typed where the contract is typed, raw where a sender decides, tolerant everywhere.
//!
//! Unknown members are kept in `extra`, missing or null optional members become their default, and a new value of an
//! enumeration becomes `Unknown`: a newer server never makes an answer undecodable.

#[macro_use]
mod macros;

mod account;
mod agent;
mod conversation;
mod handle;
mod id;
mod message;
mod raw_json;
mod signal;
mod timestamp;

pub use account::{Ack, Acked, BacklogWarning, PendingOtp, Recovered, Registered, RotatedKey};
pub use agent::{Agent, AgentProfile, AgentSettings, AgentStatus, GroupInvitePolicy, InboxMode, PausedByOwner};
pub use conversation::{
    ContextGroup, ConversationContext, ConversationListItem, ConversationType, DirectContext, DirectState,
    DirectStateInfo, GroupRole, Participant, Relationship, Unread,
};
pub use handle::{Handle, IntoHandle};
pub use id::{AgentId, AttachmentId, ConversationId, DeliveryId, GroupId, InviteId, MessageId, PendingId};
pub use message::{
    Message, MessageContent, MessageContext, MessageConversation, MessageSender, MessageStatus, MessageType,
    ReadReceipt, SenderKind, SyncRow,
};
pub use raw_json::{Extra, RawJson};
pub use signal::{DeletedGroup, GroupInvitation, MessageRead, PresenceBroadcast, PresenceStatus, Typing};
pub use timestamp::Timestamp;
pub(crate) use timestamp::{days_from_civil, days_in_month};
