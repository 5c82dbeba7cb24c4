//! `POST /admin/agents`.

use agentchat_protocol::id::AgentId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::{Tx, Write};

use super::insert_account;
use crate::Error;
use crate::accounts::{EmailCaps, NewAccount, Registered};

/// Makes an account without a code by mail; every other rule of registration holds.
#[derive(Debug)]
pub struct CreateAgent {
    pub account: NewAccount,
    pub id: AgentId,
    /// SHA-256 of its API key.
    pub key_hash: [u8; 32],
    /// Whether the platform runs it.
    pub is_system: bool,
    pub caps: EmailCaps,
    pub now: Timestamp,
}

impl Write for CreateAgent {
    type Out = Registered;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Registered, Error> {
        self.account.check(tx, &self.caps).await?;
        insert_account(tx, &self.account, self.id, &self.key_hash, self.is_system, self.now).await
    }
}
