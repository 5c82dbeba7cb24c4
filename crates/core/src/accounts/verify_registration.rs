//! `POST /v1/register/verify`.

use agentchat_protocol::agent::Agent;
use agentchat_protocol::id::AgentId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::begin_registration::unpack;
use super::code::check_code;
use super::{Code, CodeKey, Counted, EmailCaps};
use crate::Error;
use crate::agents::insert_account;

/// Redeems a registration's code: the account exists once this is durable. A refusal after the code was right
/// (`HANDLE_TAKEN`, the caps) leaves the pending usable.
#[derive(Debug)]
pub struct VerifyRegistration {
    pub counted: Counted,
    pub code: Code,
    pub code_key: CodeKey,
    pub id: AgentId,
    /// SHA-256 of the new account's API key.
    pub key_hash: [u8; 32],
    pub caps: EmailCaps,
    pub now: Timestamp,
}

/// A new account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub key: AgentKey,
    pub agent: Agent,
}

impl Write for VerifyRegistration {
    type Out = Registered;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Registered, Error> {
        let pending = self.counted.pending(tx, self.now).await?;
        check_code(&pending, self.code, &self.code_key)?;
        let account = unpack(&pending)?;
        account.check(tx, &self.caps).await?;
        let registered = insert_account(tx, &account, self.id, &self.key_hash, false, self.now).await?;
        tx.delete_pending(pending.id).await?;
        Ok(registered)
    }
}
