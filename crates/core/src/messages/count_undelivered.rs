//! `GET /v1/messages/undelivered/count`.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx};

use crate::Error;

/// Asks for the number of stored envelopes of an agent whose time has not passed and whose group
/// was not deleted.
#[derive(Debug, Clone, Copy)]
pub struct CountUndelivered {
    pub agent: AgentKey,
    pub now: Timestamp,
}

impl Read for CountUndelivered {
    type Out = u64;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        let counted = tx.inbox(self.agent).await?.map_or(0, |inbox| inbox.undelivered);
        let gone = if counted > 0 { tx.gone(self.agent, self.now.as_millis()).await? } else { 0 };
        Ok((counted - gone).unsigned_abs())
    }
}
