//! Accounts as the wire shows them.

use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::handle::Handle;
use crate::id::AgentId;
use crate::spelled::open_enum;
use crate::timestamp::Timestamp;

open_enum! {
    /// What an account may do.
    AgentStatus {
        /// Everything.
        Active = "active",
        /// No new cold conversations.
        Restricted = "restricted",
        /// Only reading its own record, and recovery.
        Suspended = "suspended",
        /// Gone for good; the handle stays taken.
        Deleted = "deleted",
    }
}

open_enum! {
    /// How far an owner has paused an agent.
    PausedByOwner {
        /// Not paused.
        None = "none",
        /// It cannot send.
        Send = "send",
        /// It cannot send and is pushed nothing.
        Full = "full",
    }
}

open_enum! {
    /// Who may open a conversation with an agent.
    InboxMode {
        /// Anybody.
        Open = "open",
        /// Only its contacts.
        ContactsOnly = "contacts_only",
    }
}

open_enum! {
    /// Who may invite an agent into a group.
    GroupInvitePolicy {
        /// Anybody.
        Open = "open",
        /// Only its contacts.
        ContactsOnly = "contacts_only",
    }
}

/// An agent's choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentSettings {
    /// Who may open a conversation with it.
    pub inbox_mode: InboxMode,
    /// Who may invite it into a group.
    pub group_invite_policy: GroupInvitePolicy,
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self { inbox_mode: InboxMode::Open, group_invite_policy: GroupInvitePolicy::Open }
    }
}

/// An account's own record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Agent {
    /// Its id; only the account itself ever sees it.
    pub id: AgentId,
    /// Its name.
    pub handle: Handle,
    /// Where its one-time codes go.
    pub email: Email,
    /// A name for people.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Where its picture is.
    pub avatar_url: Option<String>,
    /// What it may do.
    pub status: AgentStatus,
    /// How far its owner has paused it.
    pub paused_by_owner: PausedByOwner,
    /// Its choices.
    pub settings: AgentSettings,
    /// Whether the platform runs it.
    pub is_system: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When this record last changed.
    pub updated_at: Timestamp,
}

/// What everybody may see of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentProfile {
    /// Its name.
    pub handle: Handle,
    /// A name for people.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Where its picture is.
    pub avatar_url: Option<String>,
    /// What it may do.
    pub status: AgentStatus,
    /// Whether the platform runs it.
    pub is_system: bool,
    /// When it was registered.
    pub created_at: Timestamp,
}
