//! Policies that several senders share: columns of the conversation that a send locks anyway (wire.md §1.13 `group_send`,
//! extensions.md X2 `loop`).

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::Run;

use crate::Refusal;

/// An answer that is quicker than this after what another said counts for the loop guard.
const QUICK_MS: i64 = 30_000;

/// So many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub limit: u32,
    pub window_s: u32,
}

/// What a bucket says after a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    pub rate: Rate,
    /// Microseconds until it is full.
    pub full_in_us: i64,
}

impl Rate {
    fn interval_us(self) -> i64 {
        (self.window_us() / i64::from(self.limit.max(1))).max(1)
    }

    fn window_us(self) -> i64 {
        i64::from(self.window_s) * 1_000_000
    }

    /// Takes a token of a bucket in the state `tat_us` (GCRA): its state after it, or the refusal.
    fn take(self, policy: &'static str, tat_us: i64, now: Timestamp) -> Result<i64, Refusal> {
        let now_us = now.as_millis() * 1_000;
        let next = tat_us.max(now_us) + self.interval_us();
        let missing = next - now_us - self.window_us();
        if missing <= 0 {
            return Ok(next);
        }
        Err(Refusal {
            policy,
            limit: self.limit.into(),
            window_s: self.window_s.into(),
            retry_after_ms: missing.unsigned_abs().div_ceil(1_000).max(1),
        })
    }

    pub(super) fn spent(self, tat_us: i64, now: Timestamp) -> Spent {
        Spent { rate: self, full_in_us: (tat_us - now.as_millis() * 1_000).max(0) }
    }
}

/// Policy `group_send`; answers its state after one more message.
pub(super) fn group_send(rate: Option<Rate>, tat_us: i64, now: Timestamp) -> Result<i64, Refusal> {
    rate.map_or(Ok(tat_us), |rate| rate.take("group_send", tat_us, now))
}

/// Policy `loop`; answers its state after one more message. What is no quick answer to another costs nothing.
pub(super) fn loop_guard(rate: Option<Rate>, run: Run, sender: AgentKey, now: Timestamp) -> Result<i64, Refusal> {
    let quick = run.last.is_some_and(|(last, at)| last != sender && now.as_millis() - at < QUICK_MS);
    match rate {
        Some(rate) if quick => rate.take("loop_guard", run.tat_us, now),
        _ => Ok(run.tat_us),
    }
}
