//! A token of a bucket that all nodes share.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::{Tx, Write};

use crate::Error;

/// Takes one token (GCRA: `window_us / interval_us` at once, then one every `interval_us`).
#[derive(Debug, Clone, Copy)]
pub struct TakeToken {
    /// Number of the policy.
    pub policy: i64,
    /// The policy and whom it counts for, as a digest; the same on every node.
    pub key: [u8; 32],
    pub interval_us: i64,
    pub window_us: i64,
    pub now: Timestamp,
}

/// What a bucket gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// A token; the bucket is full again in so many microseconds.
    Taken { full_in_us: i64 },
    /// None; there is one in so many microseconds.
    Missing { wait_us: i64 },
}

impl Write for TakeToken {
    type Out = Token;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Token, Error> {
        let now_us = micros(self.now);
        let missing = tx.take_token(self.policy, &self.key, self.interval_us, self.window_us, now_us).await?;
        if let Some(wait_us) = missing {
            return Ok(Token::Missing { wait_us });
        }
        let arrival = tx.token_arrival(self.policy, &self.key).await?.unwrap_or(now_us);
        Ok(Token::Taken { full_in_us: (arrival - now_us).max(0) })
    }
}

pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_millis().saturating_mul(1_000)
}
