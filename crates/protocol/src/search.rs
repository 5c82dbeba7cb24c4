//! Search as the wire shows it.

use serde::{Deserialize, Serialize};

use crate::message::Message;

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Found {
    /// As in history.
    pub message: Message,
    /// About 160 characters around the first hit; `…` where something was left out.
    pub snippet: String,
    /// Begin and end of each hit in the snippet, counted in characters (Unicode scalar values); the end is exclusive.
    pub highlights: Vec<Vec<u64>>,
}

/// Some of what was found, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SearchPage {
    /// May be fewer than asked for although there are more.
    pub items: Vec<Found>,
    /// What to ask the next page with; null: there is none.
    pub next_cursor: Option<String>,
}
