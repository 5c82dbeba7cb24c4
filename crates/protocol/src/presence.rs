//! Presence as the wire shows it.

use serde::{Deserialize, Serialize};

use crate::handle::Handle;
use crate::spelled::open_enum;
use crate::timestamp::Timestamp;

open_enum! {
    /// Whether an agent is there.
    PresenceStatus {
        /// It is.
        Online = "online",
        /// It is not.
        Offline = "offline",
        /// It is, and does not want to be disturbed.
        Busy = "busy",
    }
}

/// An agent's presence, as somebody sees it who may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Presence {
    /// Whose.
    pub handle: Handle,
    /// Whether it is there.
    pub status: PresenceStatus,
    /// What it says about that.
    pub custom_message: Option<String>,
    /// When it was last heard of.
    pub last_seen: Option<Timestamp>,
}

/// A contact's visible presence changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PresenceChanged {
    /// Whose.
    pub handle: Handle,
    /// Whether it is there.
    pub status: PresenceStatus,
    /// What it says about that.
    pub custom_message: Option<String>,
}
