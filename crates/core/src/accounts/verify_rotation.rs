//! `POST /v1/agents/{handle}/rotate-key/verify`.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::Actor;
use agentchat_store::{Tx, Write};

use super::code::{check_code, expired};
use super::replace_key::{FreshKey, replace_key};
use super::{Code, CodeKey, Counted};
use crate::agents::{protect_system, read_live};
use crate::{Error, Rejection};

/// Redeems a rotation's code: the caller's old key is dead, the fresh one works.
#[derive(Debug)]
pub struct VerifyRotation {
    pub agent: AgentKey,
    /// Counted for this agent.
    pub counted: Counted,
    pub code: Code,
    pub code_key: CodeKey,
    /// SHA-256 of the fresh API key.
    pub key_hash: [u8; 32],
    /// A UUIDv7 for the event of the rotation.
    pub event: [u8; 16],
    pub now: Timestamp,
}

impl Write for VerifyRotation {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let pending = self.counted.pending(tx, self.now).await?;
        if pending.agent != Some(self.agent) {
            return Err(expired().into());
        }
        check_code(&pending, self.code, &self.code_key)?;
        protect_system(&read_live(tx, self.agent).await?)?;
        let fresh = FreshKey { key_hash: &self.key_hash, event: self.event, actor: Actor::Agent };
        if !replace_key(tx, self.agent, fresh, self.now).await? {
            return Err(Rejection::unauthorized().into());
        }
        tx.delete_pending(pending.id).await?;
        Ok(())
    }
}
