//! `GET /v1/agents/me`.

use agentchat_protocol::agent::Agent;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx};

use super::{own_record, read_live};
use crate::Error;

/// The caller's own record; suspended accounts see theirs too.
#[derive(Debug, Clone, Copy)]
pub struct ShowMe {
    pub agent: AgentKey,
}

impl Read for ShowMe {
    type Out = Agent;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Agent, Error> {
        read_live(tx, self.agent).await.map(own_record)
    }
}
