//! `POST /v1/agents/{handle}/rotate-key`.

use agentchat_protocol::email::Email;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{Flow, PendingRow};
use agentchat_store::{Tx, Write};

use super::send_gate::check_gate;
use super::{Challenge, CodeRules};
use crate::Error;
use crate::agents::{protect_system, read_live};

/// Stores a pending rotation of the caller's own key and takes a slot of its e-mail.
#[derive(Debug)]
pub struct BeginRotation {
    pub agent: AgentKey,
    pub challenge: Challenge,
    pub rules: CodeRules,
    pub now: Timestamp,
}

impl Write for BeginRotation {
    /// Where to mail the code.
    type Out = Email;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Email, Error> {
        let agent = read_live(tx, self.agent).await?;
        protect_system(&agent)?;
        check_gate(tx, &agent.email, &self.rules, self.now).await??;
        tx.insert_code_sent(&agent.email, self.challenge.pending, self.now).await?;
        tx.insert_pending(&PendingRow {
            id: self.challenge.pending,
            flow: Flow::Rotate,
            email: agent.email.clone(),
            agent: Some(agent.key),
            payload: None,
            code_hash: Some(self.challenge.hash(Flow::Rotate)),
            created_at: self.now,
            expires_at: self.now.plus_millis(self.rules.ttl_ms),
        })
        .await?;
        Ok(agent.email)
    }
}
