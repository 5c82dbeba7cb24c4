//! `audit`: what happened to an agent, for its owner and the operator.

use agentchat_protocol::timestamp::Timestamp;

use crate::key::AgentKey;
use crate::{Result, Tx};

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Agent,
    Owner,
    System,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// A UUIDv7.
    pub id: [u8; 16],
    pub agent: AgentKey,
    pub actor: Actor,
    /// A word of the contract, such as `agent.key_rotated`.
    pub action: &'static str,
    /// JSON object.
    pub metadata: String,
    pub at: Timestamp,
}

impl Tx<'_> {
    /// Appends an event.
    pub async fn insert_audit(&mut self, event: &AuditEvent) -> Result<()> {
        let actor: i64 = match event.actor {
            Actor::Agent => 0,
            Actor::Owner => 1,
            Actor::System => 2,
        };
        self.execute_later(
            "INSERT INTO audit (id, agent, actor, action, metadata, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
            &[
                (&event.id).into(),
                event.agent.into(),
                actor.into(),
                event.action.into(),
                (&event.metadata).into(),
                event.at.as_millis().into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Whether such an event was noted about an agent at or after `since`.
    pub async fn audited_since(&mut self, agent: AgentKey, action: &str, metadata: &str, since: i64) -> Result<bool> {
        let found = self
            .query_int(
                "SELECT 1 FROM audit WHERE agent = $1 AND action = $2 AND metadata = $3 AND created_at >= $4 LIMIT 1",
                &[agent.into(), action.into(), metadata.into(), since.into()],
            )
            .await?;
        Ok(found.is_some())
    }

    /// The actions noted about an agent, oldest first.
    pub async fn audit_actions(&mut self, agent: AgentKey) -> Result<Vec<String>> {
        self.query_all("SELECT action FROM audit WHERE agent = $1 ORDER BY pk", &[agent.into()], |row| row.text(0))
            .await
    }
}
