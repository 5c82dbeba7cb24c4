//! The first refusal of a runaway conversation, noted for the owners of both sides (extensions.md X2).

use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::ConversationId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{Actor, AuditEvent, Membership};
use agentchat_store::{Tx, Write};
use serde_json::json;

use crate::Error;

const ACTION: &str = "loop_guard.tripped";

/// Where a send was to go, as its request spelled it.
#[derive(Debug, Clone)]
pub struct SendTarget {
    pub to: Option<String>,
    pub conversation: Option<ConversationId>,
}

/// Notes that the loop guard refused a send, unless it did within the last window.
#[derive(Debug, Clone)]
pub struct TripLoopGuard {
    pub sender: AgentKey,
    pub target: SendTarget,
    pub window_ms: i64,
    /// UUIDv7s for the two events.
    pub events: [[u8; 16]; 2],
    pub now: Timestamp,
}

impl Write for TripLoopGuard {
    /// The two sides, if it is the first refusal in a run.
    type Out = Vec<AgentKey>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<AgentKey>, Error> {
        let Some(conversation) = self.conversation(tx).await? else { return Ok(Vec::new()) };
        tx.lock_conversation(conversation.id);
        let sides = self.sides(tx, &conversation).await?;
        let metadata = json!({ "conversation_id": conversation.id }).to_string();
        let since = self.now.as_millis() - self.window_ms;
        if tx.audited_since(self.sender, ACTION, &metadata, since).await? {
            return Ok(Vec::new());
        }
        for (agent, id) in sides.iter().zip(self.events) {
            let event = AuditEvent {
                id,
                agent: *agent,
                actor: Actor::System,
                action: ACTION,
                metadata: metadata.clone(),
                at: self.now,
            };
            tx.insert_audit(&event).await?;
        }
        Ok(sides)
    }
}

impl TripLoopGuard {
    async fn conversation(&self, tx: &mut Tx<'_>) -> Result<Option<Membership>, Error> {
        if let Some(id) = self.target.conversation {
            return Ok(tx.membership(self.sender, id).await?);
        }
        let Some(handle) = self.target.to.as_deref().and_then(|to| Handle::parse(to).ok()) else { return Ok(None) };
        let Some(other) = tx.agent_by_handle(&handle).await? else { return Ok(None) };
        Ok(tx.direct_conversation_with(self.sender, other.key).await?)
    }

    /// The refused sender, and who spoke before it.
    async fn sides(&self, tx: &mut Tx<'_>, conversation: &Membership) -> Result<Vec<AgentKey>, Error> {
        let other = match conversation.pair() {
            Some(pair) => Some(pair.other),
            None => tx.last_sender(conversation.key).await?,
        };
        Ok(std::iter::once(self.sender).chain(other).collect())
    }
}
