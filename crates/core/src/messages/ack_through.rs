//! `POST /v1/messages/sync/ack`: everything at or before a cursor.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use crate::Error;

/// Rows touched by one operation at the most.
const CHUNK: i64 = 1000;

/// Settles the oldest stored envelopes at or before `position`, a chunk at a time.
#[derive(Debug, Clone, Copy)]
pub struct AckThrough {
    pub agent: AgentKey,
    pub position: u64,
    pub now: Timestamp,
}

/// What one chunk did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AckProgress {
    pub acked: u64,
    /// Run the operation again.
    pub more: bool,
}

impl Write for AckThrough {
    type Out = AckProgress;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<AckProgress, Error> {
        let through = i64::try_from(self.position).unwrap_or(i64::MAX);
        tx.lock_inboxes(&[self.agent]);
        let last = tx.nth_stored(self.agent, through, CHUNK, self.now.as_millis()).await?;
        let acked = tx.settle_through(self.agent, last.unwrap_or(through), self.now.as_millis()).await?;
        tx.count_settled(self.agent, acked).await?;
        Ok(AckProgress { acked: acked.unsigned_abs(), more: last.is_some_and(|last| last < through) })
    }
}
