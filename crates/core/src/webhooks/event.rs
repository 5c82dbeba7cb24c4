//! Events other than messages, into the queue of those who want them.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::WebhookEvent;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::NewEvent;
use agentchat_store::{StoreError, Tx};
use serde::Serialize;

use crate::Error;

/// Queues an event for the webhooks of one agent that want it; `data` is what they are told. `seed` is 16 bytes that no
/// other event of that agent has. True when anything was queued: the deliverer is to be woken then.
pub(crate) async fn tell(
    tx: &mut Tx<'_>,
    agent: AgentKey,
    event: &WebhookEvent,
    data: &impl Serialize,
    seed: &[u8; 16],
    now: Timestamp,
) -> Result<bool, Error> {
    let data = serde_json::to_string(data).map_err(|error| StoreError::Internal(error.to_string()))?;
    let new = NewEvent { agent, event: event.bit(), data: &data, seed, now: now.as_millis() };
    Ok(tx.enqueue_event(&new).await?)
}
