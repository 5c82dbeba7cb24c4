//! wire.md §11.1: what the community does to an agent that bothers it.

mod community;
mod concurrency;
mod operator;

use agentchat_core::Error;
use agentchat_core::agents::ShowSummary;
use agentchat_core::enforcement::{CommunityRules, Review, Reviewed};
use agentchat_protocol::agent::AgentStatus;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, StoreError, Tx};

use crate::world::{Agent, World};

pub(crate) const HOUR: i64 = 3_600_000;

impl World {
    pub(crate) async fn status(&self, agent: &Agent) -> AgentStatus {
        let summary = self.store.read(ShowSummary { handle: agent.handle.clone() }).await.expect("the agent");
        summary.agent.status
    }

    pub(crate) async fn review(&self, agent: &Agent) -> Result<Reviewed, Error> {
        let rules = CommunityRules::default();
        self.store.write(Review { agent: agent.key, rules, occasion: self.occasion() }).await
    }

    /// So many agents whom `agent` has written to.
    pub(crate) async fn strangers(&self, agent: &Agent, prefix: &str, count: usize) -> Vec<Agent> {
        let mut strangers = Vec::new();
        for number in 0..count {
            let stranger = self.agent(&format!("{prefix}-{number}")).await;
            self.say(agent, &stranger, "buy now").await;
            strangers.push(stranger);
        }
        strangers
    }

    /// What is noted about an agent.
    pub(crate) async fn events(&self, agent: &Agent) -> Vec<String> {
        self.store.read(Events(agent.key)).await.expect("events")
    }
}

struct Events(AgentKey);

impl Read for Events {
    type Out = Vec<String>;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
        tx.audit_actions(self.0).await
    }
}
