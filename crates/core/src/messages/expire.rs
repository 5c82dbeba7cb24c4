//! Messages that leave the queue by themselves (extensions.md X3).

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx, Write};

use crate::Error;

/// Agents for whom something waits whose time has passed, at most `limit` messages' worth.
#[derive(Debug, Clone, Copy)]
pub struct FindOverdue {
    pub limit: i64,
    pub now: Timestamp,
}

impl Read for FindOverdue {
    type Out = Vec<AgentKey>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<AgentKey>, Error> {
        Ok(tx.overdue_agents(self.now.as_millis(), self.limit).await?)
    }
}

/// Takes what waits for an agent and whose time has passed out of its queue, for good. Readers treat it as gone before.
#[derive(Debug, Clone, Copy)]
pub struct Expire {
    pub agent: AgentKey,
    pub now: Timestamp,
}

impl Write for Expire {
    /// Envelopes that left the queue.
    type Out = u64;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        tx.lock_inboxes(&[self.agent]);
        Ok(tx.expire(self.agent, self.now.as_millis()).await?)
    }
}
