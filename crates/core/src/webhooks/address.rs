//! Where a webhook is called, and what its calls are signed with: for a trial.

use agentchat_protocol::id::WebhookId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx};

use super::record::find;
use crate::Error;

/// Looks up what a call needs to know of one of the caller's webhooks.
#[derive(Debug, Clone, Copy)]
pub struct FindAddress {
    pub agent: AgentKey,
    /// `None`: what the path names is no webhook's id.
    pub webhook: Option<WebhookId>,
    pub now: Timestamp,
}

/// Where it is called. Not to be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookAddress {
    pub id: WebhookId,
    pub url: String,
    /// The present secret, then the one before while it signs too.
    pub secrets: Vec<String>,
}

impl Read for FindAddress {
    type Out = WebhookAddress;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<WebhookAddress, Error> {
        let row = find(tx, self.agent, self.webhook).await?;
        let stored = tx.webhook_secrets(row.key).await?;
        let secrets = stored.into_iter().flat_map(|one| one.signing(self.now.as_millis())).collect();
        Ok(WebhookAddress { id: WebhookId::from_bytes(row.id), url: row.url, secrets })
    }
}
