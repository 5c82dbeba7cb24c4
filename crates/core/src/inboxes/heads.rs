//! How far the logs of many agents reach, in one look.

use agentchat_store::key::AgentKey;
use agentchat_store::tables::InboxHead;
use agentchat_store::{Read, Tx};

use crate::Error;

/// Last position, epoch, status and pause of each of these agents, at most [`InboxHeads::MOST`] at once. Agents that
/// do not exist are left out.
#[derive(Debug, Clone)]
pub struct InboxHeads {
    pub agents: Vec<AgentKey>,
}

impl InboxHeads {
    /// Agents of one look.
    pub const MOST: usize = 500;
}

impl Read for InboxHeads {
    type Out = Vec<InboxHead>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<InboxHead>, Error> {
        Ok(tx.inbox_heads(&self.agents).await?)
    }
}
