//! `GET /v1/webhooks` and `GET /v1/webhooks/{id}`.

use agentchat_protocol::id::WebhookId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::{Webhook, Webhooks};
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx};

use super::record::{find, webhook};
use crate::Error;

/// The caller's webhooks, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct ListWebhooks {
    pub agent: AgentKey,
    pub now: Timestamp,
}

impl Read for ListWebhooks {
    type Out = Webhooks;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Webhooks, Error> {
        let rows = tx.webhooks_of(self.agent).await?;
        Ok(Webhooks { webhooks: rows.into_iter().map(|row| webhook(row, self.now)).collect() })
    }
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct ShowWebhook {
    pub agent: AgentKey,
    /// `None`: what the path names is no webhook's id.
    pub webhook: Option<WebhookId>,
    pub now: Timestamp,
}

impl Read for ShowWebhook {
    type Out = Webhook;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Webhook, Error> {
        Ok(webhook(find(tx, self.agent, self.webhook).await?, self.now))
    }
}
