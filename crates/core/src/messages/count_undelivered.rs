//! `GET /v1/messages/undelivered/count`.

use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx};

use crate::Error;

/// Asks for the number of stored envelopes of an agent.
#[derive(Debug, Clone, Copy)]
pub struct CountUndelivered {
    pub agent: AgentKey,
}

impl Read for CountUndelivered {
    type Out = u64;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        Ok(tx.inbox(self.agent).await?.map_or(0, |inbox| inbox.undelivered.unsigned_abs()))
    }
}
