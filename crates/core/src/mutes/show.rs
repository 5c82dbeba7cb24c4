//! `GET /v1/mutes/agent/{handle}` and `GET /v1/mutes/conversation/{id}`.

use agentchat_protocol::id::AgentId;
use agentchat_protocol::mute::Mute;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx};

use super::named::{NamedTarget, mute, not_muted};
use crate::Error;

/// The caller's mute, while it is in force.
#[derive(Debug, Clone)]
pub struct ShowMute {
    pub muter: AgentKey,
    /// The muter's public id.
    pub id: AgentId,
    pub target: NamedTarget,
    pub now: Timestamp,
}

impl Read for ShowMute {
    type Out = Mute;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Mute, Error> {
        let target = self.target.find(tx, self.muter).await?;
        let found = tx.mute(self.muter, &target).await?;
        let row = found.filter(|row| row.muted_until.is_none_or(|until| until > self.now.as_millis()));
        Ok(mute(self.id, row.ok_or_else(not_muted)?))
    }
}
