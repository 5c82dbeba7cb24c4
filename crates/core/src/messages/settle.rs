//! Socket acks: stored → delivered, gathered over many sockets.

use std::collections::HashSet;

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

/// Settles exactly these messages; unknown, foreign, own and settled ones are passed over. A crash of the database may
/// undo it: what is lost of this is offered again.
#[derive(Debug, Clone)]
pub struct Settle {
    pub acks: Vec<Ack>,
    pub busy: Busy,
    pub now: Timestamp,
}

/// What becomes of acks whose inbox another operation works on. On an engine with one writer there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// They are left: whoever gathers the acks of many must not hold the inboxes of all while waiting for one.
    Leave,
    /// They are waited for.
    Wait,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Envelopes that left the queue.
    pub envelopes: u64,
    /// Acks of busy inboxes, to be settled later.
    pub left: Vec<Ack>,
}

impl Write for Settle {
    type Out = Settled;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Settled, Error> {
        let agents: Vec<_> = self.acks.iter().map(|ack| ack.agent).collect();
        tx.may_be_lost();
        let (acks, left) = match self.busy {
            Busy::Wait => {
                tx.lock_inboxes(&agents);
                (self.acks.clone(), Vec::new())
            }
            Busy::Leave => {
                let free: HashSet<_> = tx.lock_free_inboxes(&agents).await?.into_iter().collect();
                self.acks.iter().partition(|ack| free.contains(&ack.agent))
            }
        };
        let acks: Vec<_> = acks.iter().map(|ack| (ack.agent, ack.message.bytes())).collect();
        let envelopes = if acks.is_empty() { 0 } else { tx.settle_all(&acks, self.now.as_millis()).await? };
        Ok(Settled { envelopes, left })
    }
}
