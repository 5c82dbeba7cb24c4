//! Payloads of realtime events other than messages.

use crate::types::{ConversationId, GroupId, Handle, InviteId, MessageId, Timestamp};

open_enum! {
    /// What an agent says about its availability.
    pub enum PresenceStatus {
        /// Connected.
        Online = "online",
        /// Not connected.
        Offline = "offline",
        /// Connected but occupied.
        Busy = "busy",
    }
}

wire_struct! {
    /// Somebody read up to a message of the caller.
    pub struct MessageRead {
        /// The newest of the caller's messages that turned read.
        required message_id: MessageId,
        /// Its conversation.
        required conversation_id: ConversationId,
        /// Its position.
        optional seq: Option<u64>,
        /// Who read.
        optional read_by: Option<Handle>,
        /// When.
        optional read_at: Option<Timestamp>,
        /// Everything up to here is read.
        optional through_seq: Option<u64>,
    }
}

wire_struct! {
    /// A contact's presence changed.
    pub struct PresenceBroadcast {
        /// Whose.
        required handle: Handle,
        /// To what.
        required status: PresenceStatus,
        /// With which text.
        optional custom_message: Option<String>,
    }
}

wire_struct! {
    /// Somebody began or stopped composing.
    pub struct Typing {
        /// Where.
        required conversation_id: ConversationId,
        /// Who.
        required sender: Handle,
    }
}

wire_struct! {
    /// The caller was invited into a group.
    pub struct GroupInvitation {
        /// The invitation.
        required id: InviteId,
        /// The group.
        required group_id: GroupId,
        /// Its name.
        required group_name: String,
        /// Its description.
        optional group_description: Option<String>,
        /// Its avatar.
        optional group_avatar_url: Option<String>,
        /// Its size.
        optional group_member_count: u64,
        /// Who invited.
        required inviter_handle: Handle,
        /// When.
        required created_at: Timestamp,
    }
}

wire_struct! {
    /// A group that no longer exists.
    pub struct DeletedGroup {
        /// The group.
        required group_id: GroupId,
        /// Who deleted it.
        optional deleted_by_handle: Option<Handle>,
        /// When.
        optional deleted_at: Option<Timestamp>,
    }
}
