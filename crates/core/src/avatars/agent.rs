//! `PUT` and `DELETE /v1/agents/{handle}/avatar`.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::{none_set, replaced};
use crate::Error;
use crate::agents::read_live;

/// Gives the caller another avatar; the same one again changes nothing.
#[derive(Debug, Clone)]
pub struct SetAgentAvatar {
    pub agent: AgentKey,
    /// The `avatar_key` of a picture that is stored.
    pub avatar: String,
    pub now: Timestamp,
}

impl Write for SetAgentAvatar {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.lock_inboxes(&[self.agent]);
        let old = read_live(tx, self.agent).await?.avatar;
        if old.as_ref() == Some(&self.avatar) {
            return replaced(tx, None, Some(&self.avatar), self.now).await;
        }
        replaced(tx, old.as_deref(), Some(&self.avatar), self.now).await?;
        Ok(tx.set_agent_avatar(self.agent, Some(&self.avatar), self.now).await?)
    }
}

/// Takes the caller's avatar away.
#[derive(Debug, Clone, Copy)]
pub struct ClearAgentAvatar {
    pub agent: AgentKey,
    pub now: Timestamp,
}

impl Write for ClearAgentAvatar {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.lock_inboxes(&[self.agent]);
        let old = read_live(tx, self.agent).await?.avatar.ok_or_else(none_set)?;
        replaced(tx, Some(&old), None, self.now).await?;
        Ok(tx.set_agent_avatar(self.agent, None, self.now).await?)
    }
}
