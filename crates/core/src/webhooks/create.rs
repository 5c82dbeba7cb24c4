//! `POST /v1/webhooks`.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::WebhookId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::{NewWebhook, Webhook};
use agentchat_store::key::AgentKey;
use agentchat_store::tables::NewWebhookRow;
use agentchat_store::{Tx, Write};
use serde_json::json;

use super::record::{find, webhook};
use crate::agents::read_live;
use crate::{Error, Rejection};

/// Makes a webhook, unless its agent has as many as it may.
#[derive(Clone)]
pub struct CreateWebhook {
    pub agent: AgentKey,
    pub id: WebhookId,
    pub new: NewWebhook,
    /// `whsec_` and base64 of 32 random bytes.
    pub secret: String,
    /// Webhooks of one agent.
    pub limit: u64,
    pub now: Timestamp,
}

impl std::fmt::Debug for CreateWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateWebhook").field("agent", &self.agent).field("new", &self.new).finish_non_exhaustive()
    }
}

impl Write for CreateWebhook {
    type Out = Webhook;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Webhook, Error> {
        tx.lock_inboxes(&[self.agent]);
        read_live(tx, self.agent).await?;
        let existing = tx.webhooks_of(self.agent).await?.len();
        if u64::try_from(existing).unwrap_or(u64::MAX) >= self.limit {
            return Err(limit_reached(self.limit).into());
        }
        tx.insert_webhook(&NewWebhookRow {
            id: &self.id.bytes(),
            agent: self.agent,
            url: &self.new.url,
            events: self.new.bits(),
            secret: &self.secret,
            now: self.now.as_millis(),
        })
        .await?;
        tx.recount_hooks(self.agent).await?;
        Ok(webhook(find(tx, self.agent, Some(self.id)).await?, self.now))
    }
}

fn limit_reached(limit: u64) -> Rejection {
    Rejection::new(ErrorCode::LimitReached, format!("An agent has at most {limit} webhooks; delete one first"))
        .details(json!({ "limit": limit }))
}
