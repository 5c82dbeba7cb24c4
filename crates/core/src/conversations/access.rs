//! Who may look into a conversation, and who its other side is.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::conversation::Participant;
use agentchat_protocol::group::DeletedGroupInfo;
use agentchat_protocol::id::ConversationId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{AgentRow, Membership};
use agentchat_store::{StoreError, Tx};

use crate::avatars::avatar_path;
use crate::{Error, Rejection};

/// The conversation, if `viewer` takes part in it. A deleted group is `GROUP_DELETED` for whoever was in it, everything
/// else is `CONVERSATION_NOT_FOUND`.
pub(crate) async fn access(tx: &mut Tx<'_>, viewer: AgentKey, id: ConversationId) -> Result<Membership, Error> {
    seat(tx, viewer, id, Rejection::conversation_not_found).await
}

/// As [`access`], for what is spoken of as a group (gate G): everything else is `GROUP_NOT_FOUND`.
pub(crate) async fn group_access(tx: &mut Tx<'_>, caller: AgentKey, id: ConversationId) -> Result<Membership, Error> {
    if !id.is_group() {
        return Err(Rejection::group_not_found().into());
    }
    seat(tx, caller, id, Rejection::group_not_found).await
}

async fn seat(
    tx: &mut Tx<'_>,
    viewer: AgentKey,
    id: ConversationId,
    missing: fn() -> Rejection,
) -> Result<Membership, Error> {
    let found = tx.membership(viewer, id).await?.ok_or_else(missing)?;
    if let Some(deletion) = found.deleted() {
        return Err(Rejection::group_deleted(&deleted_group(tx, id, deletion).await?).into());
    }
    if found.left_at.is_some() {
        return Err(missing().into());
    }
    Ok(found)
}

/// What whoever was in a deleted group is told of it.
pub(crate) async fn deleted_group(
    tx: &mut Tx<'_>,
    id: ConversationId,
    (at, by): (i64, AgentKey),
) -> Result<DeletedGroupInfo, Error> {
    Ok(DeletedGroupInfo {
        group_id: id,
        deleted_by_handle: known(tx, by).await?.handle,
        deleted_at: Timestamp::from_millis(at),
    })
}

/// Somebody in a conversation, of any account status; what deleted accounts said about themselves is gone.
pub(super) async fn participant(tx: &mut Tx<'_>, agent: AgentKey) -> Result<Participant, Error> {
    let row = known(tx, agent).await?;
    let display_name = row.display_name.filter(|_| row.status != AgentStatus::Deleted);
    Ok(Participant { handle: row.handle, display_name, avatar_url: row.avatar.as_deref().map(avatar_path) })
}

async fn known(tx: &mut Tx<'_>, agent: AgentKey) -> Result<AgentRow, Error> {
    let row = tx.agent(agent).await?;
    Ok(row.ok_or_else(|| StoreError::Internal(format!("agent {} of a conversation is gone", agent.0)))?)
}
