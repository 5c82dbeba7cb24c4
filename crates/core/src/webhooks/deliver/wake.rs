//! Waking an agent that is not there.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::WakeCall;
use agentchat_store::{Tx, Write};

use crate::Error;

/// An agent is woken no more often.
const EVERY_MS: i64 = 60_000;

/// Asks where an agent is to be woken now: nowhere if somebody is there for it, or it was woken within the last minute.
/// Whoever is told does it.
#[derive(Debug, Clone, Copy)]
pub struct TakeWake {
    pub agent: AgentKey,
    pub now: Timestamp,
}

impl Write for TakeWake {
    type Out = Option<WakeCall>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<WakeCall>, Error> {
        let now = self.now.as_millis();
        Ok(tx.take_wake(self.agent, now - EVERY_MS + 1, now).await?)
    }
}
