//! `GET /admin/stats`: what the store holds.

use agentchat_store::tables::{AgentCounts, MessageCounts};
use agentchat_store::{Read, Tx};

use crate::Error;

/// Counts of everything, on one snapshot.
#[derive(Debug, Clone, Copy)]
pub struct CountAll;

/// What the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub agents: AgentCounts,
    pub messages: MessageCounts,
    /// Bytes the store's tables take.
    pub store_bytes: i64,
    /// Calls that webhooks are owed.
    pub webhook_queue: i64,
    /// Webhooks that are left alone for a while.
    pub open_circuits: i64,
}

impl Read for CountAll {
    type Out = Counts;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Counts, Error> {
        Ok(Counts {
            agents: tx.count_agents_by_status().await?,
            messages: tx.count_messages().await?,
            store_bytes: tx.store_bytes().await?,
            webhook_queue: tx.webhook_queue_depth().await?,
            open_circuits: tx.open_circuits().await?,
        })
    }
}
