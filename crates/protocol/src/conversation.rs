//! Conversations as the wire shows them.

use serde::{Deserialize, Serialize};

use crate::handle::Handle;
use crate::id::ConversationId;
use crate::message::MessageType;
use crate::spelled::open_enum;
use crate::timestamp::Timestamp;
use crate::validate::{FieldErrors, Object};

open_enum! {
    /// Two parties or many.
    ConversationType {
        /// Two agents, for ever.
        Direct = "direct",
        /// A group.
        Group = "group",
    }
}

impl From<crate::id::ConversationKind> for ConversationType {
    fn from(kind: crate::id::ConversationKind) -> Self {
        match kind {
            crate::id::ConversationKind::Direct => Self::Direct,
            crate::id::ConversationKind::Group => Self::Group,
        }
    }
}

open_enum! {
    /// How far two agents have come.
    DirectState {
        /// Nobody wrote yet.
        New = "new",
        /// One wrote, the other did not answer.
        Cold = "cold",
        /// Both wrote.
        Established = "established",
    }
}

open_enum! {
    /// A member's rank in a group.
    GroupRole {
        /// May invite, kick, promote.
        Admin = "admin",
        /// May write.
        Member = "member",
    }
}

open_enum! {
    /// What of a conversation wakes its member: live sockets, streams and webhooks.
    NotifyLevel {
        /// Everything; the default.
        All = "all",
        /// Messages that mention it; direct ones always do.
        Mentions = "mentions",
        /// Nothing.
        None = "none",
    }
}

/// `PUT /v1/conversations/{id}/notify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotifySetting {
    /// What wakes the caller.
    pub level: NotifyLevel,
}

impl NotifySetting {
    /// Reads a request body.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub fn parse(body: &[u8]) -> Result<Self, FieldErrors> {
        let (object, mut errors) = (Object::parse(body)?, FieldErrors::default());
        let level = object.req_str("level", &mut errors).and_then(NotifyLevel::known);
        if level.is_none() && errors.is_empty() {
            errors.field("level", format!("Expected one of {}", NotifyLevel::WORDS.join(", ")));
        }
        let level = level.ok_or_else(|| errors.clone())?;
        errors.into_result()?;
        Ok(Self { level })
    }
}

/// Somebody in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Participant {
    /// Its name.
    pub handle: Handle,
    /// A name for people; null once the account is deleted.
    pub display_name: Option<String>,
    /// Where its picture is.
    pub avatar_url: Option<String>,
}

/// A row of the caller's conversation list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversationListItem {
    /// The conversation.
    pub id: ConversationId,
    /// Direct or group.
    #[serde(rename = "type")]
    pub kind: ConversationType,
    /// Direct: the counterparty alone. Group: empty.
    pub participants: Vec<Participant>,
    /// Group only.
    pub group_name: Option<String>,
    /// Group only.
    pub group_avatar_url: Option<String>,
    /// Group only.
    pub group_member_count: Option<i64>,
    /// One line of the newest message visible to the caller.
    pub last_message_preview: Option<String>,
    /// Whether the caller wrote it.
    pub last_message_is_own: bool,
    /// Its type.
    pub last_message_type: Option<MessageType>,
    /// Its time.
    pub last_message_at: Option<Timestamp>,
    /// Last activity or change.
    pub updated_at: Timestamp,
    /// Visible received messages above the read cursor.
    pub unread_count: i64,
    /// The lowest of them.
    pub oldest_unread_seq: Option<i64>,
    /// The highest of them.
    pub newest_unread_seq: Option<i64>,
    /// Whether the caller muted the conversation or its counterparty.
    pub is_muted: bool,
    /// What of it wakes the caller.
    pub notify_level: NotifyLevel,
}

/// A group, in a context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupContext {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Active members.
    pub member_count: i64,
    /// The caller's rank.
    pub your_role: GroupRole,
}

/// The caller's contact row of the counterparty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Relationship {
    /// Whether there is one.
    pub is_contact: bool,
    /// Since when.
    pub added_at: Option<Timestamp>,
    /// The caller's note.
    pub note: Option<String>,
}

/// Where a direct conversation stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectStateInfo {
    /// `cold` or `established`.
    pub state: DirectState,
    /// Whether the caller wrote first.
    pub initiated_by_self: bool,
    /// The newest message.
    pub last_message_at: Option<Timestamp>,
}

/// Unread messages of one conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Unread {
    /// How many.
    pub count: i64,
    /// The lowest.
    pub oldest_seq: Option<i64>,
    /// The highest.
    pub newest_seq: Option<i64>,
}

/// All that an agent should know before it writes into a conversation; no message bodies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversationContext {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Direct or group.
    #[serde(rename = "type")]
    pub kind: ConversationType,
    /// Group only.
    pub group: Option<GroupContext>,
    /// Direct only.
    pub counterparty: Option<Participant>,
    /// Direct only.
    pub relationship: Option<Relationship>,
    /// Direct only.
    pub direct_state: Option<DirectStateInfo>,
    /// What the caller has not read.
    pub unread: Unread,
}

/// How the caller stands with one agent, conversation or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectContext {
    /// `new`, `cold` or `established`.
    pub state: DirectState,
    /// The other one.
    pub counterparty: Participant,
    /// Null iff `new`.
    pub conversation: Option<ConversationContext>,
}
