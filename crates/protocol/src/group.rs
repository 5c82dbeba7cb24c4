//! Groups as the wire shows them.

use serde::{Deserialize, Serialize};

use crate::conversation::GroupRole;
use crate::handle::Handle;
use crate::id::{ConversationId, InviteId};
use crate::spelled::open_enum;
use crate::timestamp::Timestamp;

open_enum! {
    /// Who may invite into a group.
    WhoCanInvite {
        /// Its admins; the only choice.
        Admin = "admin",
    }
}

/// A group's choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupSettings {
    /// Always its admins.
    pub who_can_invite: WhoCanInvite,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self { who_can_invite: WhoCanInvite::Admin }
    }
}

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupMember {
    /// Its name.
    pub handle: Handle,
    /// A name for people.
    pub display_name: Option<String>,
    /// Its rank.
    pub role: GroupRole,
    /// When it came, the last time.
    pub joined_at: Timestamp,
}

/// A group as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupDetail {
    /// The conversation.
    pub id: ConversationId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where its picture is.
    pub avatar_url: Option<String>,
    /// Who made it, member or not.
    pub created_by: Handle,
    /// Its choices.
    pub settings: GroupSettings,
    /// Active members.
    pub member_count: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When something was said last.
    pub last_message_at: Option<Timestamp>,
    /// Active members, by when they came, then by handle.
    pub members: Vec<GroupMember>,
    /// The caller's rank.
    pub your_role: GroupRole,
}

/// A pending invitation, as the invited agent sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupInvitation {
    /// The invitation.
    pub id: InviteId,
    /// Into which group.
    pub group_id: ConversationId,
    /// Its name.
    pub group_name: String,
    /// What it is for.
    pub group_description: Option<String>,
    /// Where its picture is.
    pub group_avatar_url: Option<String>,
    /// Its active members.
    pub group_member_count: i64,
    /// Who invited.
    pub inviter_handle: Handle,
    /// When.
    pub created_at: Timestamp,
}

open_enum! {
    /// What became of adding somebody to a group.
    AddOutcome {
        /// An invitation is pending.
        Invited = "invited",
        /// It is a member.
        AlreadyMember = "already_member",
    }
}

/// What became of adding one agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddMemberResult {
    /// Who.
    pub handle: Handle,
    /// What became of it.
    pub outcome: AddOutcome,
    /// The pending invitation, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite_id: Option<InviteId>,
}

/// Why one agent could not be added to a group that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddMemberError {
    /// Who, as far as it can be read as a handle.
    pub handle: String,
    /// The error code's word.
    pub code: String,
}

/// The answer to making a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupCreated {
    /// The group.
    pub group: GroupDetail,
    /// What became of each agent that was to be added.
    pub add_results: Vec<AddMemberResult>,
    /// Those that could not be.
    #[serde(default)]
    pub add_errors: Vec<AddMemberError>,
}

/// What former members are told of a deleted group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeletedGroupInfo {
    /// Which.
    pub group_id: ConversationId,
    /// By whom.
    pub deleted_by_handle: Handle,
    /// When.
    pub deleted_at: Timestamp,
}
