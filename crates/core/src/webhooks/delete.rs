//! `DELETE /v1/webhooks/{id}`, and the end of an account's webhooks.

use agentchat_protocol::id::WebhookId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, WebhookKey};
use agentchat_store::tables::Work;
use agentchat_store::{Tx, Write};

use super::record::find;
use crate::Error;

/// Deletes a webhook. Nothing is called any more at once; a stored job removes what it was owed.
#[derive(Debug, Clone, Copy)]
pub struct DeleteWebhook {
    pub agent: AgentKey,
    /// `None`: what the path names is no webhook's id.
    pub webhook: Option<WebhookId>,
    pub now: Timestamp,
}

impl Write for DeleteWebhook {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.lock_inboxes(&[self.agent]);
        let row = find(tx, self.agent, self.webhook).await?;
        disown(tx, row.key, self.now).await?;
        Ok(tx.recount_hooks(self.agent).await?)
    }
}

/// Ends the webhooks of an account that ends, the one that wakes it included. Its inbox is to be locked.
pub(crate) async fn disown_all(tx: &mut Tx<'_>, agent: AgentKey, now: Timestamp) -> Result<(), Error> {
    for row in tx.webhooks_of(agent).await? {
        disown(tx, row.key, now).await?;
    }
    tx.delete_wake_webhook(agent).await?;
    Ok(tx.recount_hooks(agent).await?)
}

async fn disown(tx: &mut Tx<'_>, webhook: WebhookKey, now: Timestamp) -> Result<(), Error> {
    tx.disown_webhook(webhook).await?;
    tx.insert_job(Work::DropWebhook(webhook), now).await?;
    Ok(())
}
