//! `POST /v1/webhooks/{id}/rotate-secret`.

use agentchat_protocol::id::WebhookId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::record::find;
use crate::Error;

/// How long the secret before signs too.
const OLD_SIGNS_MS: i64 = 24 * 60 * 60 * 1000;

/// Signs the calls of a webhook with another secret; for 24 hours with the one before, too.
#[derive(Clone)]
pub struct RotateWebhookSecret {
    pub agent: AgentKey,
    /// `None`: what the path names is no webhook's id.
    pub webhook: Option<WebhookId>,
    /// `whsec_` and base64 of 32 random bytes.
    pub secret: String,
    pub now: Timestamp,
}

impl std::fmt::Debug for RotateWebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RotateWebhookSecret").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

impl Write for RotateWebhookSecret {
    type Out = WebhookId;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<WebhookId, Error> {
        tx.lock_inboxes(&[self.agent]);
        let row = find(tx, self.agent, self.webhook).await?;
        tx.replace_webhook_secret(row.key, &self.secret, self.now.plus_millis(OLD_SIGNS_MS).as_millis()).await?;
        Ok(WebhookId::from_bytes(row.id))
    }
}
