//! The try counter of a pending code. It is written before any code is compared, and fails closed.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::PendingId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{Flow, PendingRow};
use agentchat_store::{Tx, Write};

use super::CodeRules;
use super::code::expired;
use super::send_gate::cooldown_left;
use crate::{Error, Rejection};

/// Counts one try of a pending code. `EXPIRED` when there is no such pending, `OTP_ATTEMPTS_EXHAUSTED` once its
/// tries are used up; the pending stays exhausted until it expires.
#[derive(Debug)]
pub struct CountTry {
    pub pending: PendingId,
    pub flow: Flow,
    /// Rotation: whose pending it must be. Others see it as expired and use none of its tries.
    pub agent: Option<AgentKey>,
    pub rules: CodeRules,
    pub now: Timestamp,
}

/// Proof that a try was counted and is durable.
#[derive(Debug)]
pub struct Counted {
    pending: PendingId,
    flow: Flow,
    agent: Option<AgentKey>,
}

impl Write for CountTry {
    type Out = Counted;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Counted, Error> {
        let counted = tx.count_try(self.pending, self.flow, self.agent, self.now).await?.ok_or_else(expired)?;
        if counted.tries > self.rules.tries {
            let sent = tx.codes_sent(&counted.email, self.now.plus_millis(-self.rules.cooldown_ms)).await?;
            return Err(exhausted(cooldown_left(&sent, &self.rules, self.now)).into());
        }
        Ok(Counted { pending: self.pending, flow: self.flow, agent: self.agent })
    }
}

fn exhausted(cooldown_left: i64) -> Rejection {
    Rejection::new(ErrorCode::OtpAttemptsExhausted, "Too many wrong codes, request a new one")
        .retry_after_ms(cooldown_left.max(1).unsigned_abs())
}

impl Counted {
    /// The pending this try is for, unless it expired or was redeemed since.
    pub(super) async fn pending(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<PendingRow, Error> {
        let found = tx.pending(self.pending, self.flow, now).await?;
        Ok(found.filter(|pending| self.agent.is_none() || pending.agent == self.agent).ok_or_else(expired)?)
    }
}
