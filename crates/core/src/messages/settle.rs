//! Socket acks: stored → delivered, gathered over many sockets.

use agentchat_protocol::id::MessageId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use crate::Error;

/// One ack of one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    pub agent: AgentKey,
    pub message: MessageId,
}

/// Settles exactly these messages; unknown, foreign, own and settled ones are passed over.
#[derive(Debug, Clone)]
pub struct Settle {
    pub acks: Vec<Ack>,
    pub now: Timestamp,
}

impl Write for Settle {
    /// Envelopes that left the queue.
    type Out = u64;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        let acks: Vec<_> = self.acks.iter().map(|ack| (ack.agent, ack.message.bytes())).collect();
        let agents: Vec<_> = acks.iter().map(|(agent, _)| *agent).collect();
        // What is lost of this is offered again.
        tx.may_be_lost();
        tx.lock_inboxes(&agents);
        Ok(tx.settle_all(&acks, self.now.as_millis()).await?)
    }
}
