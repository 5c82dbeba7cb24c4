//! `DELETE /v1/agents/{handle}`, by its holder or by the operator.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, JobKey};
use agentchat_store::tables::{Actor, AgentRow, AuditEvent, Work, avatar_object};
use agentchat_store::{Tx, Write};
use serde_json::json;

use super::protect_system;
use crate::webhooks::disown_all;
use crate::{Error, Rejection};

/// Ends an account: status, key, epoch and the counts of its groups change in this one transaction, so it is dead at
/// once and for good. What it leaves behind is cleared by the stored job; readers already take it for done.
#[derive(Debug)]
pub struct DeleteAgent {
    pub handle: Handle,
    pub actor: Actor,
    /// A UUIDv7 for the event.
    pub event: [u8; 16],
    pub now: Timestamp,
}

/// A dead account, and the job that clears what it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    pub agent: AgentKey,
    pub job: JobKey,
}

impl Write for DeleteAgent {
    type Out = Deleted;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Deleted, Error> {
        tx.lock_groups_of(&self.handle);
        tx.lock_inbox_of(&self.handle);
        let found = tx.agent_by_handle(&self.handle).await?;
        let living = found.filter(|row| row.status != AgentStatus::Deleted);
        let agent = living.ok_or_else(Rejection::agent_not_found)?;
        protect_system(&agent)?;
        if let Some(avatar) = &agent.avatar {
            tx.discard_object(&avatar_object(avatar), self.now.as_millis()).await?;
        }
        tx.count_out_everywhere(agent.key, self.now.as_millis()).await?;
        tx.mark_agent_deleted(agent.key, self.now).await?;
        disown_all(tx, agent.key, self.now).await?;
        tx.insert_audit(&self.audit(&agent)).await?;
        let job = tx.insert_job(Work::ClearInbox(agent.key), self.now).await?;
        Ok(Deleted { agent: agent.key, job })
    }
}

impl DeleteAgent {
    fn audit(&self, agent: &AgentRow) -> AuditEvent {
        AuditEvent {
            id: self.event,
            agent: agent.key,
            actor: self.actor,
            action: "agent.status_changed",
            metadata: json!({ "from": agent.status, "to": AgentStatus::Deleted }).to_string(),
            at: self.now,
        }
    }
}
