//! When a call may be repeated and how long to wait before.

use std::time::Duration;

use http::Method;

/// How often a call is repeated and how long it waits: 3 times, from 250 ms, at most 8 s.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryPolicy {
    pub(crate) max_retries: u32,
    pub(crate) base_delay: Duration,
    pub(crate) max_delay: Duration,
}

impl RetryPolicy {
    /// Three repetitions, from 250 ms, at most 8 s.
    pub const DEFAULT: Self =
        Self { max_retries: 3, base_delay: Duration::from_millis(250), max_delay: Duration::from_secs(8) };
    /// One attempt.
    pub const NONE: Self = Self { max_retries: 0, ..Self::DEFAULT };

    /// The default policy.
    pub fn new() -> Self {
        Self::DEFAULT
    }

    /// Repetitions after the first attempt.
    pub fn max_retries(self, number: u32) -> Self {
        Self { max_retries: number, ..self }
    }

    /// Wait before the first repetition; it doubles.
    pub fn base_delay(self, delay: Duration) -> Self {
        Self { base_delay: delay, ..self }
    }

    /// Longest wait. A server that asks for more ends the call.
    pub fn max_delay(self, delay: Duration) -> Self {
        Self { max_delay: delay, ..self }
    }

    /// The wait before attempt `attempt + 1` (H17). None when the server asks for more than the policy allows.
    pub(crate) fn delay(&self, attempt: u32, hint: Option<Duration>, random: f64) -> Option<Duration> {
        match hint {
            Some(hint) if hint > self.max_delay => None,
            Some(hint) => Some(hint + (hint / 4).min(Duration::from_secs(1)).mul_f64(random)),
            None => {
                let doubled = 2_u32.checked_pow(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
                let wait = self.base_delay.saturating_mul(doubled).min(self.max_delay);
                let jittered = wait.mul_f64(0.75 + random / 2.0);
                Some(Duration::from_millis(u64::try_from(jittered.as_millis()).unwrap_or(u64::MAX)).min(self.max_delay))
            }
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Whether one call is repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// By the client's policy.
    Auto,
    /// Not at all.
    Never,
    /// By the client's policy if the method or an idempotency key makes it safe.
    ByMethod,
    /// By this policy.
    Policy(RetryPolicy),
}

impl Retry {
    /// Attempts of a call (H11, H12) and the policy that spaces them.
    pub(crate) fn resolve(self, client: RetryPolicy, method: &Method, has_key: bool) -> (u32, RetryPolicy) {
        let safe = has_key || matches!(*method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE);
        let (eligible, policy) = match self {
            Self::Never => (false, client),
            Self::Auto => (true, client),
            Self::Policy(policy) => (true, policy),
            Self::ByMethod => (safe, client),
        };
        (if eligible { policy.max_retries.saturating_add(1) } else { 1 }, policy)
    }
}
