//! Avatars as the wire names them.

use serde::{Deserialize, Serialize};

/// An avatar that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AvatarSet {
    /// Its name: of its content, and of whom it shows.
    pub avatar_key: String,
    /// Where everybody finds it.
    pub avatar_url: String,
}
