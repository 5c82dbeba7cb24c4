//! `POST /v1/webhooks/{id}/deliveries/{delivery_id}/replay`.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::{WebhookDeliveryId, WebhookId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::WebhookDelivery;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{WebhookDeliveryRow, WebhookRow};
use agentchat_store::{Tx, Write};
use serde_json::json;

use super::record::{delivery, find, no_such_delivery};
use crate::{Error, Rejection};

/// `webhook_delivery.status` of what was given up.
const DEAD: i64 = 4;

/// Queues once more what a dead delivery was to say.
#[derive(Debug, Clone, Copy)]
pub struct ReplayDelivery {
    pub agent: AgentKey,
    /// `None`: what the path names is no webhook's id.
    pub webhook: Option<WebhookId>,
    /// `None`: what the path names is no delivery's id.
    pub delivery: Option<WebhookDeliveryId>,
    /// Of the new delivery.
    pub id: WebhookDeliveryId,
    pub now: Timestamp,
}

impl Write for ReplayDelivery {
    type Out = WebhookDelivery;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<WebhookDelivery, Error> {
        tx.lock_inboxes(&[self.agent]);
        let webhook = find(tx, self.agent, self.webhook).await?;
        let wanted = self.delivery.ok_or_else(no_such_delivery)?;
        let dead = tx.delivery_to_replay(webhook.key, &wanted.bytes()).await?.ok_or_else(no_such_delivery)?;
        may_replay(&webhook, &dead)?;
        tx.replay_delivery(webhook.key, &dead, &self.id.bytes(), self.now.as_millis()).await?;
        let fresh = tx.delivery_of(webhook.key, &self.id.bytes()).await?.ok_or_else(no_such_delivery)?;
        Ok(delivery(fresh, WebhookId::from_bytes(webhook.id))?)
    }
}

fn may_replay(webhook: &WebhookRow, dead: &WebhookDeliveryRow) -> Result<(), Rejection> {
    if dead.status != DEAD {
        return Err(Rejection::field("delivery_id", "Only a dead delivery can be replayed"));
    }
    if !webhook.active {
        return Err(Rejection::field("id", "The webhook is not active; delete it and make another"));
    }
    let Some(replayed) = dead.replayed_as else { return Ok(()) };
    Err(Rejection::new(ErrorCode::AlreadyReplayed, "This delivery was replayed before")
        .details(json!({ "replayed_as": WebhookDeliveryId::from_bytes(replayed) })))
}
