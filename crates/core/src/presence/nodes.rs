//! Which servers share the store, for the operator.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::tables::Life;
use agentchat_store::{Read, Tx};

use super::TTL_MS;
use crate::Error;

/// The servers that were heard of within the last 300 s, the one heard of last first.
#[derive(Debug, Clone, Copy)]
pub struct ListNodes {
    pub now: Timestamp,
}

/// A server, as the others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeSeen {
    pub life: Life,
    pub heard_at: Timestamp,
    /// Agents with a socket or a stream there.
    pub agents: i64,
}

impl Read for ListNodes {
    type Out = Vec<NodeSeen>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<NodeSeen>, Error> {
        let found = tx.lives(self.now.as_millis() - TTL_MS).await?;
        let seen = |(life, heard_at, agents)| NodeSeen { life, heard_at: Timestamp::from_millis(heard_at), agents };
        Ok(found.into_iter().map(seen).collect())
    }
}
