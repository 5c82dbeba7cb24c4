//! One agent as the operator sees it.

use agentchat_protocol::agent::Agent;
use agentchat_protocol::handle::Handle;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::AgentInboxRow;
use agentchat_store::{Read, Tx};

use super::own_record;
use crate::{Error, Rejection};

/// A record and what waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSummary {
    pub key: AgentKey,
    pub agent: Agent,
    /// Envelopes in `stored`; nothing waits for a deleted account.
    pub undelivered: i64,
}

impl From<AgentInboxRow> for AgentSummary {
    fn from(row: AgentInboxRow) -> Self {
        Self { key: row.agent.key, agent: own_record(row.agent), undelivered: row.undelivered }
    }
}

/// The summary of a handle, whatever its status.
#[derive(Debug, Clone)]
pub struct ShowSummary {
    pub handle: Handle,
}

impl Read for ShowSummary {
    type Out = AgentSummary;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<AgentSummary, Error> {
        let found = tx.agent_with_inbox(&self.handle).await?;
        Ok(found.map(AgentSummary::from).ok_or_else(Rejection::agent_not_found)?)
    }
}
