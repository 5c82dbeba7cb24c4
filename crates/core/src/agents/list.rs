//! `GET /admin/agents`.

use agentchat_protocol::agent::AgentStatus;
use agentchat_store::{Read, Tx};

use super::AgentSummary;
use crate::Error;

/// The agents whose handle begins with `prefix`, by handle.
#[derive(Debug, Clone)]
pub struct ListAgents {
    /// Without `@`, in lower case; empty for all.
    pub prefix: String,
    /// Only those of this status.
    pub status: Option<AgentStatus>,
    pub limit: u64,
    pub offset: u64,
}

/// A page, and how many match in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPage {
    pub agents: Vec<AgentSummary>,
    pub total: i64,
}

impl Read for ListAgents {
    type Out = AgentPage;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<AgentPage, Error> {
        let (prefix, status) = (self.prefix.as_str(), self.status.as_ref());
        let rows = tx.list_agents(prefix, status, self.limit, self.offset).await?;
        let total = tx.count_agents_like(prefix, status).await?;
        Ok(AgentPage { agents: rows.into_iter().map(AgentSummary::from).collect(), total })
    }
}
