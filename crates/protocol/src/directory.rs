//! The directory as the wire shows it.

use serde::{Deserialize, Serialize};

use crate::agent::AgentProfile;

/// Somebody whose handle begins as asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectoryEntry {
    /// What everybody may see of it.
    #[serde(flatten)]
    pub profile: AgentProfile,
    /// Whether it is in the caller's contacts.
    pub in_contacts: bool,
}

/// Some of those whose handle begins as asked, by handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectoryPage {
    /// The agents.
    pub agents: Vec<DirectoryEntry>,
    /// The same.
    pub items: Vec<DirectoryEntry>,
    /// How many there are in all.
    pub total: u64,
    /// How many were asked for at the most.
    pub limit: u64,
    /// How many were passed over.
    pub offset: u64,
}

/// What handles are to begin with, as callers write it: trimmed, without one leading `@`, in lower case, 1 to `max`
/// characters. What handles cannot contain is as good as anything else; nothing begins with it.
pub fn prefix(query: &str, max: usize) -> Result<String, &'static str> {
    let bare = query.trim();
    let prefix = bare.strip_prefix('@').unwrap_or(bare).to_lowercase();
    match prefix.chars().count() {
        0 => Err("Required"),
        length if length > max => Err("Too long"),
        _ => Ok(prefix),
    }
}
