//! `GET /v1/webhooks/{id}/deliveries`.

use agentchat_protocol::id::{WebhookDeliveryId, WebhookId};
use agentchat_protocol::webhook::{WebhookDeliveries, WebhookDeliveryStatus};
use agentchat_store::key::{AgentKey, WebhookKey};
use agentchat_store::tables::WebhookDeliveryRow;
use agentchat_store::{Read, StoreError, Tx};

use super::record::{delivery, find, status_number};
use crate::Error;

/// A page of what a webhook was owed, newest first. Behind a delivery that it does not have, or not any more, there is
/// nothing.
#[derive(Debug, Clone)]
pub struct ListDeliveries {
    pub agent: AgentKey,
    /// `None`: what the path names is no webhook's id.
    pub webhook: Option<WebhookId>,
    /// Those of this status only.
    pub status: Option<WebhookDeliveryStatus>,
    pub before: Option<WebhookDeliveryId>,
    pub limit: u64,
}

impl Read for ListDeliveries {
    type Out = WebhookDeliveries;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<WebhookDeliveries, Error> {
        let row = find(tx, self.agent, self.webhook).await?;
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut rows = self.rows(tx, row.key).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let id = WebhookId::from_bytes(row.id);
        let deliveries = rows.into_iter().map(|row| delivery(row, id)).collect::<Result<Vec<_>, StoreError>>()?;
        let next_before = deliveries.last().filter(|_| more).map(|last| last.id);
        Ok(WebhookDeliveries { deliveries, next_before })
    }
}

impl ListDeliveries {
    /// One more than asked for, if there is.
    async fn rows(&self, tx: &mut Tx<'_>, webhook: WebhookKey) -> Result<Vec<WebhookDeliveryRow>, Error> {
        let before = match &self.before {
            None => None,
            Some(id) => match tx.delivery_place(webhook, &id.bytes()).await? {
                Some(place) => Some(place),
                None => return Ok(Vec::new()),
            },
        };
        let status = self.status.as_ref().and_then(status_number);
        let most = i64::try_from(self.limit).unwrap_or(i64::MAX - 1) + 1;
        Ok(tx.deliveries_of(webhook, status, before, most).await?)
    }
}
