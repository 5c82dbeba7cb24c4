//! A change of an account's status, and its record.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Tx;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{Actor, AgentRow, AuditEvent};
use serde_json::json;

use crate::Error;

/// When something happens, and the id of the event that tells of it if it comes to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasion {
    pub now: Timestamp,
    /// A UUIDv7.
    pub event: [u8; 16],
}

/// An account's status is another now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    pub agent: AgentKey,
    pub from: AgentStatus,
    pub to: AgentStatus,
}

/// Moves an account to another status, if it is one, and notes it. Its inbox is to be locked.
pub(super) async fn change_status(
    tx: &mut Tx<'_>,
    agent: &AgentRow,
    to: AgentStatus,
    reason: Option<&str>,
    occasion: &Occasion,
) -> Result<Option<StatusChange>, Error> {
    if agent.status == to {
        return Ok(None);
    }
    tx.set_agent_status(agent.key, &to, occasion.now.as_millis()).await?;
    let mut metadata = json!({ "from": agent.status, "to": to });
    if let Some(reason) = reason {
        metadata["reason"] = reason.into();
    }
    tx.insert_audit(&AuditEvent {
        id: occasion.event,
        agent: agent.key,
        actor: Actor::System,
        action: "agent.status_changed",
        metadata: metadata.to_string(),
        at: occasion.now,
    })
    .await?;
    Ok(Some(StatusChange { agent: agent.key, from: agent.status.clone(), to }))
}
