//! Socket acks: stored → delivered, gathered over many sockets.

use std::collections::BTreeMap;

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
        // Ascending agents: the order in which several engines lock inboxes.
        let mut settled: BTreeMap<AgentKey, i64> = BTreeMap::new();
        for ack in &self.acks {
            if tx.settle_by_id(ack.agent, &ack.message.bytes(), self.now.as_millis()).await? {
                *settled.entry(ack.agent).or_default() += 1;
            }
        }
        for (agent, count) in &settled {
            tx.count_settled(*agent, *count).await?;
        }
        Ok(settled.values().sum::<i64>().unsigned_abs())
    }
}
