//! Somebody else whom an agent wants something of.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::handle::Handle;
use agentchat_store::Tx;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::AgentRow;

use crate::{Error, Rejection};

/// The active or restricted account of a handle. It and the attitudes of both stay as they are read from now on.
pub(crate) async fn find_somebody(
    tx: &mut Tx<'_>,
    agent: AgentKey,
    handle: Option<&Handle>,
) -> Result<AgentRow, Error> {
    let handle = handle.ok_or_else(Rejection::agent_not_found)?;
    tx.lock_attitudes(agent, handle);
    let found = tx.agent_by_handle(handle).await?;
    Ok(found
        .filter(|row| matches!(row.status, AgentStatus::Active | AgentStatus::Restricted))
        .ok_or_else(Rejection::agent_not_found)?)
}

/// `VALIDATION_ERROR` for what nobody does to itself.
pub(super) fn not_oneself(agent: AgentKey, other: &AgentRow, problem: &str) -> Result<(), Rejection> {
    if other.key == agent { Err(Rejection::field("handle", problem)) } else { Ok(()) }
}
