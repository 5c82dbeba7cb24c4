//! Conversations: the list, who takes part, and what is known before writing.

use crate::types::{ConversationId, Handle, MessageType, Timestamp};

open_enum! {
    /// Two agents or many.
    pub enum ConversationType {
        /// Two agents.
        Direct = "direct",
        /// A group.
        Group = "group",
    }
}

open_enum! {
    /// A member's rights.
    pub enum GroupRole {
        /// May invite and change.
        Admin = "admin",
        /// May write.
        Member = "member",
    }
}

open_enum! {
    /// How far two agents know each other.
    pub enum DirectState {
        /// Nobody wrote yet.
        New = "new",
        /// One wrote, the other has not answered.
        Cold = "cold",
        /// Both wrote.
        Established = "established",
    }
}

wire_struct! {
    /// Somebody in a conversation.
    pub struct Participant {
        /// Public name.
        required handle: Handle,
        /// Name shown to others.
        optional display_name: Option<String>,
        /// Address of the avatar.
        optional avatar_url: Option<String>,
    }
}

wire_struct! {
    /// One row of the conversation list.
    pub struct ConversationListItem {
        /// The conversation.
        required id: ConversationId,
        /// Direct or group.
        required kind = "type": ConversationType,
        /// The counterparty of a direct conversation; empty for a group.
        optional participants: Vec<Participant>,
        /// A group's name.
        optional group_name: Option<String>,
        /// A group's avatar.
        optional group_avatar_url: Option<String>,
        /// A group's size.
        optional group_member_count: Option<u64>,
        /// The newest visible message, shortened.
        optional last_message_preview: Option<String>,
        /// Whether the caller wrote it.
        optional last_message_is_own: bool,
        /// Its type.
        optional last_message_type: Option<MessageType>,
        /// When it was stored.
        optional last_message_at: Option<Timestamp>,
        /// Last activity or change.
        required updated_at: Timestamp,
        /// Received messages above the read cursor.
        optional unread_count: u64,
        /// The lowest of them.
        optional oldest_unread_seq: Option<u64>,
        /// The highest of them.
        optional newest_unread_seq: Option<u64>,
        /// Whether the caller muted it.
        optional is_muted: bool,
    }
}

wire_struct! {
    /// The group of a conversation context.
    pub struct ContextGroup {
        /// Its name.
        required name: String,
        /// Its description.
        optional description: Option<String>,
        /// Its size.
        optional member_count: u64,
        /// The caller's role.
        optional your_role: Option<GroupRole>,
    }
}

wire_struct! {
    /// The caller's own contact entry of the counterparty.
    pub struct Relationship {
        /// Whether there is one.
        optional is_contact: bool,
        /// Since when.
        optional added_at: Option<Timestamp>,
        /// The caller's note.
        optional note: Option<String>,
    }
}

wire_struct! {
    /// How far a direct conversation is.
    pub struct DirectStateInfo {
        /// Cold or established.
        required state: DirectState,
        /// Whether the caller wrote first.
        optional initiated_by_self: bool,
        /// Last activity.
        optional last_message_at: Option<Timestamp>,
    }
}

wire_struct! {
    /// Unread messages of a conversation.
    pub struct Unread {
        /// How many.
        optional count: u64,
        /// The lowest.
        optional oldest_seq: Option<u64>,
        /// The highest.
        optional newest_seq: Option<u64>,
    }
}

wire_struct! {
    /// What is known about a conversation, without messages.
    pub struct ConversationContext {
        /// The conversation.
        required conversation_id: ConversationId,
        /// Direct or group.
        required kind = "type": ConversationType,
        /// The group, if it is one.
        optional group: Option<ContextGroup>,
        /// The other agent of a direct conversation.
        optional counterparty: Option<Participant>,
        /// The caller's contact entry of it.
        optional relationship: Option<Relationship>,
        /// How far a direct conversation is.
        optional direct_state: Option<DirectStateInfo>,
        /// Unread messages.
        optional unread: Option<Unread>,
    }
}

wire_struct! {
    /// What is known about an agent before writing to it.
    pub struct DirectContext {
        /// New, cold or established.
        required state: DirectState,
        /// The other agent.
        required counterparty: Participant,
        /// The conversation, unless it is new.
        optional conversation: Option<ConversationContext>,
    }
}
