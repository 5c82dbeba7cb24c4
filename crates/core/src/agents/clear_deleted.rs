//! What a deleted account leaves behind, cleared in chunks. Readers take it for done from the account's end on.

use agentchat_protocol::id::MessageId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{StoreError, Tx};

use crate::Error;
use crate::groups::leave_one;
use crate::messages::Posted;

/// Leaves one group, or removes up to `chunk` invitations, or settles up to `chunk` envelopes, counter included, as of
/// the account's end. Answers the messages that were stored; `None` when nothing is left.
pub(crate) async fn clear_some(
    tx: &mut Tx<'_>,
    agent: AgentKey,
    ended_at: Timestamp,
    chunk: i64,
    messages: [MessageId; 2],
    now: Timestamp,
) -> Result<Option<Vec<Posted>>, Error> {
    let row = tx.agent(agent).await?;
    let row = row.ok_or_else(|| StoreError::Internal(format!("agent {} of a job is gone", agent.0)))?;
    if let Some(left) = leave_one(tx, &row, messages, chunk, now).await? {
        return Ok(Some(left.posted));
    }
    if tx.delete_invites_of(agent, chunk).await? >= chunk.unsigned_abs() {
        return Ok(Some(Vec::new()));
    }
    let done = settle_some(tx, agent, ended_at.as_millis(), chunk).await?;
    Ok((!done).then(Vec::new))
}

/// Envelopes count as settled at the moment of the deletion, which is what readers showed before.
async fn settle_some(tx: &mut Tx<'_>, agent: AgentKey, at: i64, chunk: i64) -> Result<bool, Error> {
    tx.lock_inboxes(&[agent]);
    let last = tx.nth_stored(agent, i64::MAX, chunk, at).await?;
    let settled = tx.settle_through(agent, last.unwrap_or(i64::MAX), at).await?;
    tx.count_settled(agent, settled).await?;
    Ok(last.is_none())
}
