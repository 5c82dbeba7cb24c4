//! Messages as the wire shows them.

mod live;

use serde::{Deserialize, Serialize};

pub use self::live::{LiveFrame, MessageFrameParts};
use crate::conversation::ConversationType;
use crate::handle::Handle;
use crate::id::{ConversationId, DeliveryId, MessageId};
use crate::json::RawJson;
use crate::spelled::open_enum;
use crate::timestamp::Timestamp;
use crate::trace::TraceContext;

open_enum! {
    /// What a message is; independent of the keys of its content.
    MessageType {
        /// The default.
        Text = "text",
        /// Data for programs.
        Structured = "structured",
        /// An attachment.
        File = "file",
        /// Written by the platform; nobody can send one.
        System = "system",
    }
}

open_enum! {
    /// How far a message has come, as its viewer sees it. It only moves forward.
    MessageStatus {
        /// Waiting for the recipient.
        Stored = "stored",
        /// Taken by the recipient.
        Delivered = "delivered",
        /// Passed by the recipient's read cursor.
        Read = "read",
    }
}

open_enum! {
    /// Who runs a sender.
    SenderKind {
        /// Somebody.
        Agent = "agent",
        /// The platform.
        System = "system",
    }
}

/// A message's sender, as of when the row was rendered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContextSender {
    /// Its name.
    pub handle: Handle,
    /// A name for people.
    pub display_name: Option<String>,
    /// Who runs it.
    pub kind: SenderKind,
}

/// A message's conversation, as of when the row was rendered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContextConversation {
    /// Direct or group.
    #[serde(rename = "type")]
    pub kind: ConversationType,
    /// Group only.
    pub group_name: Option<String>,
    /// Group only.
    pub member_count: Option<i64>,
}

impl ContextConversation {
    /// The context of a direct conversation.
    pub fn direct() -> Self {
        Self { kind: ConversationType::Direct, group_name: None, member_count: None }
    }

    /// The context of a group.
    pub fn group(name: String, members: i64) -> Self {
        Self { kind: ConversationType::Group, group_name: Some(name), member_count: Some(members) }
    }
}

/// What the platform says about a message; clients cannot set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageContext {
    /// Who wrote it.
    pub sender: ContextSender,
    /// Where.
    pub conversation: ContextConversation,
    /// Handles mentioned in `content.text`, fixed when it was stored.
    pub mentions: Vec<Handle>,
    /// The trace it belongs to, if its sender said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

/// A message as one viewer sees it.
///
/// The last members are those of particular rows and are left out where they are not set: live, sync and
/// history rows have `delivery_id` (null for the viewer's own message), `is_own` and `sender_handle`
/// ([`Message::as_row`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// The message.
    pub id: MessageId,
    /// Where it was written.
    pub conversation_id: ConversationId,
    /// Who wrote it.
    pub sender: Handle,
    /// The sender's own id for it: unique per sender, for ever.
    pub client_msg_id: String,
    /// Its place in the conversation: from 1, no gaps.
    pub seq: i64,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: MessageType,
    /// The keys that were sent, of `text`, `data`, `attachment_id`.
    pub content: RawJson,
    /// An object, possibly empty.
    pub metadata: RawJson,
    /// What the platform says about it.
    pub context: MessageContext,
    /// How far it has come, for this viewer.
    pub status: MessageStatus,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was taken.
    pub delivered_at: Option<Timestamp>,
    /// When it was read.
    pub read_at: Option<Timestamp>,
    /// The viewer's envelope: `Some(None)` is null on the wire, `None` leaves the member out.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<DeliveryId>, required = false))]
    pub delivery_id: Option<Option<DeliveryId>>,
    /// Whether the viewer wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_own: Option<bool>,
    /// The same as `sender`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_handle: Option<Handle>,
    /// Milliseconds from commit to this write, on drained and synced rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<i64>,
    /// Whether this row was offered before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redelivered: Option<bool>,
    /// When it leaves the queue by itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// It left the queue by itself, undelivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired: Option<bool>,
}

impl Message {
    /// The message as a live, sync or history row.
    #[must_use]
    pub fn as_row(mut self, is_own: bool, delivery_id: Option<DeliveryId>) -> Self {
        self.delivery_id = Some(delivery_id);
        self.is_own = Some(is_own);
        self.sender_handle = Some(self.sender.clone());
        self
    }

    /// The viewer's delivery id, if the row has one.
    pub fn delivery(&self) -> Option<DeliveryId> {
        self.delivery_id.flatten()
    }

    /// `content.text`, if there is one.
    pub fn text(&self) -> Option<String> {
        text_of(&self.content)
    }
}

/// `content.text` of a stored content.
pub fn text_of(content: &RawJson) -> Option<String> {
    #[derive(Deserialize)]
    struct Text {
        text: Option<String>,
    }
    content.read::<Text>().ok().and_then(|content| content.text)
}

/// Keeps a member that is null apart from one that is missing.
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}
