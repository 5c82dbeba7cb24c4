//! A shared bucket that an operation takes from in its own transaction: what it refuses, and what comes to nothing for
//! another reason, consumes nothing.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Tx;

use super::take_token::micros;
use crate::{Error, Refusal};

/// One policy's bucket of one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Number of the policy.
    pub policy: i64,
    /// The policy and whom it counts for, as a digest; the same on every node.
    pub key: [u8; 32],
    pub interval_us: i64,
    pub window_us: i64,
    /// What is answered when it is empty; the wait is filled in.
    pub refusal: Refusal,
}

impl Bucket {
    /// Takes one token.
    ///
    /// # Errors
    /// `RATE_LIMITED`; nothing is taken then.
    pub(crate) async fn take(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Error> {
        let missing = tx.take_token(self.policy, &self.key, self.interval_us, self.window_us, micros(now)).await?;
        let Some(wait_us) = missing else { return Ok(()) };
        let retry_after_ms = wait_us.unsigned_abs().div_ceil(1_000).max(1);
        Err(Refusal { retry_after_ms, ..self.refusal }.rejection().into())
    }

    /// Microseconds until it is full.
    pub(crate) async fn full_in_us(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<i64, Error> {
        let arrival = tx.token_arrival(self.policy, &self.key).await?;
        Ok((arrival.unwrap_or(0) - micros(now)).max(0))
    }
}
