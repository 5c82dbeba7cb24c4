//! Token buckets (wire.md §1.13).

use serde_json::json;

use super::{Refused, refused_with};

/// So many in so long.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Rate {
    pub(in super::super) limit: u32,
    pub(in super::super) window_s: u32,
}

impl Rate {
    /// Takes a token: the theoretical arrival time after it (microseconds), or the refusal.
    pub(super) fn take(self, reason: &str, arrival: i64, now_ms: i64) -> Result<i64, Refused> {
        let now = now_ms * 1000;
        let window = i64::from(self.window_s) * 1_000_000;
        let interval = window / i64::from(self.limit);
        let next = arrival.max(now) + interval;
        if next - now <= window {
            return Ok(next);
        }
        let wait = (next - window - now).unsigned_abs().div_ceil(1000).max(1);
        let details =
            json!({ "reason": reason, "limit": self.limit, "window_s": self.window_s, "retry_after_ms": wait });
        Err(refused_with("RATE_LIMITED", details))
    }
}
