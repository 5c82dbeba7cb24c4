//! Avatars of agents and groups. A row names the picture; the picture is in the object store, put there before.

mod agent;
mod expect;
mod group;

pub use agent::{ClearAgentAvatar, SetAgentAvatar};
pub use expect::ExpectAvatar;
pub use group::{CheckGroupAdmin, ClearGroupAvatar, GroupAvatarChanged, SetGroupAvatar};

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Tx;
use agentchat_store::tables::avatar_object;

use crate::{Error, Rejection};

/// Whoever has an avatar's address may fetch it for so long after it was replaced: it may be shown somewhere.
const REPLACED_MS: i64 = 24 * 60 * 60 * 1000;

/// Where an avatar is, below the public base: operations do not know that; the server puts it in front.
pub fn avatar_path(key: &str) -> String {
    format!("/avatars/{key}")
}

/// `NOT_FOUND`: there is no avatar to take away.
fn none_set() -> Rejection {
    Rejection::new(ErrorCode::NotFound, "There is no avatar")
}

/// Another picture is referred to from now on, or none.
async fn replaced(tx: &mut Tx<'_>, old: Option<&str>, new: Option<&str>, now: Timestamp) -> Result<(), Error> {
    if let Some(new) = new {
        tx.keep_object(&avatar_object(new)).await?;
    }
    if let Some(old) = old {
        tx.discard_object(&avatar_object(old), now.as_millis() + REPLACED_MS).await?;
    }
    Ok(())
}
