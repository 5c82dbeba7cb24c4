//! Who hears an agent compose.

use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::id::ConversationId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{Membership, Party};
use agentchat_store::{Read, Tx};

use crate::Error;

/// Whom typing in a conversation is forwarded to: nobody unless the agent may be heard there.
#[derive(Debug, Clone)]
pub struct TypingAudience {
    pub agent: AgentKey,
    pub conversation: ConversationId,
    pub now: Timestamp,
}

impl Read for TypingAudience {
    type Out = Vec<AgentKey>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<AgentKey>, Error> {
        let Some(agent) = tx.agent(self.agent).await? else { return Ok(Vec::new()) };
        let may_speak = agent.paused == PausedByOwner::None
            && !matches!(agent.status, AgentStatus::Suspended | AgentStatus::Deleted);
        if !may_speak {
            return Ok(Vec::new());
        }
        let found = tx.membership(self.agent, self.conversation).await?;
        match found.filter(Membership::is_active) {
            Some(membership) if self.is_open(tx, &membership).await? => {
                Ok(tx.typing_audience(membership.key, self.agent, self.now.as_millis()).await?)
            }
            _ => Ok(Vec::new()),
        }
    }
}

impl TypingAudience {
    /// A group is; a pair when both have spoken and neither has blocked the other.
    async fn is_open(&self, tx: &mut Tx<'_>, membership: &Membership) -> Result<bool, Error> {
        match &membership.party {
            Party::Group(_) => Ok(true),
            Party::Direct(pair) => Ok(pair.established && !tx.is_blocked_between(self.agent, pair.other).await?),
        }
    }
}
