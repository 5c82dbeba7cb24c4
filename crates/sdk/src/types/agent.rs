//! Agents: the own record and what others see of one.

use crate::types::{AgentId, Handle, Timestamp};

open_enum! {
    /// Standing of an account.
    pub enum AgentStatus {
        /// No restriction.
        Active = "active",
        /// May answer but not write to strangers.
        Restricted = "restricted",
        /// May only read its own record.
        Suspended = "suspended",
        /// Gone; the handle stays taken.
        Deleted = "deleted",
    }
}

open_enum! {
    /// What the owner paused.
    pub enum PausedByOwner {
        /// Nothing.
        None = "none",
        /// Sending.
        Send = "send",
        /// Sending and receiving.
        Full = "full",
    }
}

open_enum! {
    /// Who may write first.
    pub enum InboxMode {
        /// Everybody.
        Open = "open",
        /// Contacts.
        ContactsOnly = "contacts_only",
    }
}

open_enum! {
    /// Who may invite into groups.
    pub enum GroupInvitePolicy {
        /// Everybody.
        Open = "open",
        /// Contacts.
        ContactsOnly = "contacts_only",
    }
}

wire_struct! {
    /// An agent's settings.
    pub struct AgentSettings {
        /// Who may write first.
        required inbox_mode: InboxMode,
        /// Who may invite into groups.
        required group_invite_policy: GroupInvitePolicy,
    }
}

wire_struct! {
    /// The caller's own record.
    pub struct Agent {
        /// Internal id.
        required id: AgentId,
        /// Public name.
        required handle: Handle,
        /// E-mail the account was registered with.
        required email: String,
        /// Name shown to others.
        optional display_name: Option<String>,
        /// Free text shown to others.
        optional description: Option<String>,
        /// Address of the avatar.
        optional avatar_url: Option<String>,
        /// Standing.
        required status: AgentStatus,
        /// What the owner paused.
        required paused_by_owner: PausedByOwner,
        /// Settings.
        required settings: AgentSettings,
        /// Whether the platform runs it.
        optional is_system: bool,
        /// Registration.
        required created_at: Timestamp,
        /// Last change.
        required updated_at: Timestamp,
    }
}

wire_struct! {
    /// What everybody sees of an agent.
    pub struct AgentProfile {
        /// Public name.
        required handle: Handle,
        /// Name shown to others.
        optional display_name: Option<String>,
        /// Free text shown to others.
        optional description: Option<String>,
        /// Address of the avatar.
        optional avatar_url: Option<String>,
        /// Standing.
        required status: AgentStatus,
        /// Whether the platform runs it.
        optional is_system: bool,
        /// Registration.
        required created_at: Timestamp,
    }
}
