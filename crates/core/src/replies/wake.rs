//! `/v1/agents/me/wake-webhook`: where an agent that is not there is called.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use crate::Error;

/// Sets the agent's one wake webhook.
#[derive(Clone)]
pub struct SetWake {
    pub agent: AgentKey,
    /// Checked already.
    pub url: String,
    /// What the calls are signed with.
    pub secret: String,
    pub now: Timestamp,
}

impl std::fmt::Debug for SetWake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetWake").field("agent", &self.agent).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Write for SetWake {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.lock_inboxes(&[self.agent]);
        tx.put_wake_webhook(self.agent, &self.url, &self.secret, self.now.as_millis()).await?;
        Ok(tx.recount_hooks(self.agent).await?)
    }
}

/// Removes it, if there is one.
#[derive(Debug, Clone, Copy)]
pub struct ClearWake(pub AgentKey);

impl Write for ClearWake {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.lock_inboxes(&[self.0]);
        tx.delete_wake_webhook(self.0).await?;
        Ok(tx.recount_hooks(self.0).await?)
    }
}
