//! `POST /v1/agents/recover/verify`.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{Actor, AgentRow, PendingRow};
use agentchat_store::{Tx, Write};
use serde_json::json;

use super::begin_recovery::recoverable;
use super::code::{check_code, invalid_code};
use super::replace_key::{FreshKey, replace_key};
use super::{Code, CodeKey, Counted};
use crate::{Error, Rejection};

/// Redeems a recovery's code. A decoy is satisfied by none.
#[derive(Debug)]
pub struct VerifyRecovery {
    pub counted: Counted,
    pub code: Code,
    pub code_key: CodeKey,
    /// SHA-256 of the fresh API key.
    pub key_hash: [u8; 32],
    /// A UUIDv7 for the event of the rotation.
    pub event: [u8; 16],
    pub now: Timestamp,
}

/// What a right code led to. Both outcomes have redeemed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// The agent's key is the fresh one now.
    Recovered { agent: AgentKey, handle: Handle },
    /// The e-mail backs several agents and none was named: the caller starts again with one of these.
    HandleRequired(Vec<Handle>),
}

impl Recovery {
    /// The refusal that [`Recovery::HandleRequired`] is answered with.
    pub fn handle_required(handles: &[Handle]) -> Rejection {
        Rejection::new(ErrorCode::HandleRequired, "This e-mail backs more than one agent")
            .details(json!({ "handles": handles }))
    }
}

impl Write for VerifyRecovery {
    type Out = Recovery;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Recovery, Error> {
        let pending = self.counted.pending(tx, self.now).await?;
        check_code(&pending, self.code, &self.code_key)?;
        let mut agents = candidates(tx, &pending).await?;
        if agents.len() > 1 {
            tx.delete_pending(pending.id).await?;
            return Ok(Recovery::HandleRequired(agents.into_iter().map(|agent| agent.handle).collect()));
        }
        let agent = agents.pop().ok_or_else(invalid_code)?;
        let fresh = FreshKey { key_hash: &self.key_hash, event: self.event, actor: Actor::Agent };
        if !replace_key(tx, agent.key, fresh, self.now).await? {
            return Err(invalid_code().into());
        }
        tx.delete_pending(pending.id).await?;
        Ok(Recovery::Recovered { agent: agent.key, handle: agent.handle })
    }
}

/// Whom the code may be for, as things stand now.
async fn candidates(tx: &mut Tx<'_>, pending: &PendingRow) -> Result<Vec<AgentRow>, Error> {
    let mut agents = recoverable(tx, &pending.email).await?;
    agents.retain(|agent| pending.agent.is_none_or(|named| named == agent.key));
    Ok(agents)
}
