//! `POST /v1/register`.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::tables::{Flow, PendingRow};
use agentchat_store::{StoreError, Tx, Write};
use serde_json::json;

use super::send_gate::check_gate;
use super::{Challenge, CodeRules, EmailCaps, NewAccount};
use crate::Error;

/// Stores a pending registration and takes a slot of its e-mail. Nothing is reserved: the handle may be gone when
/// the code comes back. The caller mails the code, and releases the slot if that fails.
#[derive(Debug)]
pub struct BeginRegistration {
    pub account: NewAccount,
    pub challenge: Challenge,
    pub caps: EmailCaps,
    pub rules: CodeRules,
    pub now: Timestamp,
}

impl Write for BeginRegistration {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        self.account.check(tx, &self.caps).await?;
        let email = &self.account.email;
        check_gate(tx, email, &self.rules, self.now).await??;
        tx.insert_code_sent(email, self.challenge.pending, self.now).await?;
        tx.insert_pending(&PendingRow {
            id: self.challenge.pending,
            flow: Flow::Register,
            email: email.clone(),
            agent: None,
            payload: Some(pack(&self.account)),
            code_hash: Some(self.challenge.hash(Flow::Register)),
            created_at: self.now,
            expires_at: self.now.plus_millis(self.rules.ttl_ms),
        })
        .await?;
        Ok(())
    }
}

/// The account to be, as a pending carries it; its e-mail stands beside.
fn pack(account: &NewAccount) -> String {
    let NewAccount { handle, display_name, description, .. } = account;
    json!({ "handle": handle, "display_name": display_name, "description": description }).to_string()
}

/// Reads what [`pack`] wrote.
pub(super) fn unpack(pending: &PendingRow) -> Result<NewAccount, Error> {
    #[derive(serde::Deserialize)]
    struct Packed {
        handle: agentchat_protocol::handle::Handle,
        display_name: Option<String>,
        description: Option<String>,
    }
    let payload = pending.payload.as_deref().unwrap_or_default();
    let unreadable = |error| StoreError::Internal(format!("registration {} is not readable: {error}", pending.id));
    let packed: Packed = serde_json::from_str(payload).map_err(unreadable)?;
    Ok(NewAccount {
        email: pending.email.clone(),
        handle: packed.handle,
        display_name: packed.display_name,
        description: packed.description,
    })
}
