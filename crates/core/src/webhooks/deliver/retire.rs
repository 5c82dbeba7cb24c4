//! A receiver that says it is gone.

use agentchat_store::key::{AgentKey, WebhookKey};
use agentchat_store::{Tx, Write};

use crate::Error;

/// Calls a webhook no more: 410 came back. What it is owed is given up.
#[derive(Debug, Clone, Copy)]
pub struct RetireWebhook {
    pub agent: AgentKey,
    pub webhook: WebhookKey,
}

impl Write for RetireWebhook {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.lock_inboxes(&[self.agent]);
        if tx.webhook_agent(self.webhook).await? != Some(self.agent) {
            return Ok(());
        }
        tx.retire_webhook(self.webhook).await?;
        tx.bury_calls(self.webhook, "the receiver answered 410: it is gone").await?;
        Ok(tx.recount_hooks(self.agent).await?)
    }
}
