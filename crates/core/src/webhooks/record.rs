//! Webhooks and their deliveries as their agent sees them.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::{WebhookDeliveryId, WebhookId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::{
    Webhook, WebhookCircuit, WebhookDelivery, WebhookDeliveryStatus, WebhookDisabledReason, WebhookEvent,
};
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{WebhookDeliveryRow, WebhookRow};
use agentchat_store::{StoreError, Tx};

use crate::{Error, Rejection};

/// `webhook_delivery.status`, in the order of its numbers.
const STATUSES: [WebhookDeliveryStatus; 5] = [
    WebhookDeliveryStatus::Pending,
    WebhookDeliveryStatus::Delivering,
    WebhookDeliveryStatus::Delivered,
    WebhookDeliveryStatus::Failed,
    WebhookDeliveryStatus::Dead,
];

/// One of the caller's webhooks; `None` is what a path names that is no id.
pub(super) async fn find(tx: &mut Tx<'_>, agent: AgentKey, id: Option<WebhookId>) -> Result<WebhookRow, Error> {
    let found = match id {
        Some(id) => tx.webhook_of(agent, &id.bytes()).await?,
        None => None,
    };
    Ok(found.ok_or_else(|| Rejection::new(ErrorCode::NotFound, "No such webhook"))?)
}

/// `NOT_FOUND` for a delivery.
pub(super) fn no_such_delivery() -> Rejection {
    Rejection::new(ErrorCode::NotFound, "No such delivery")
}

/// A webhook as it is at `now`.
pub(super) fn webhook(row: WebhookRow, now: Timestamp) -> Webhook {
    Webhook {
        id: WebhookId::from_bytes(row.id),
        url: row.url,
        events: WebhookEvent::of_bits(row.events),
        active: row.active,
        created_at: Timestamp::from_millis(row.created_at),
        disabled_reason: row.disabled_reason.map(|_| WebhookDisabledReason::Gone),
        circuit: circuit(row.opened_until, now),
    }
}

fn circuit(opened_until: Option<i64>, now: Timestamp) -> WebhookCircuit {
    match opened_until {
        None => WebhookCircuit::Closed,
        Some(until) if now.as_millis() < until => WebhookCircuit::Open,
        Some(_) => WebhookCircuit::HalfOpen,
    }
}

/// A delivery of this webhook.
pub(super) fn delivery(row: WebhookDeliveryRow, webhook: WebhookId) -> Result<WebhookDelivery, StoreError> {
    let unknown = |what: &str, number: i64| StoreError::Internal(format!("a delivery has the unknown {what} {number}"));
    let status = usize::try_from(row.status).ok().and_then(|number| STATUSES.get(number).cloned());
    let status = status.ok_or_else(|| unknown("status", row.status))?;
    let waits = status == WebhookDeliveryStatus::Pending;
    Ok(WebhookDelivery {
        id: WebhookDeliveryId::from_bytes(row.id),
        webhook_id: webhook,
        event: WebhookEvent::of_bit(row.event).ok_or_else(|| unknown("event", row.event))?,
        status,
        attempts: row.attempts,
        next_attempt_at: row.next_at.filter(|_| waits).map(Timestamp::from_millis),
        last_attempt_at: row.last_attempt_at.map(Timestamp::from_millis),
        last_status_code: row.last_status_code,
        last_error: row.last_error,
        created_at: Timestamp::from_millis(row.created_at),
        delivered_at: row.delivered_at.map(Timestamp::from_millis),
        replayed_as: row.replayed_as.map(WebhookDeliveryId::from_bytes),
    })
}

/// The number of a status.
pub(super) fn status_number(status: &WebhookDeliveryStatus) -> Option<i64> {
    STATUSES.iter().position(|known| known == status).and_then(|place| i64::try_from(place).ok())
}
