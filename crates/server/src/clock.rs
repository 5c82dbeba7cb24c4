//! Where the server reads time: the system's clock, or one that a test moves by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use agentchat_protocol::timestamp::Timestamp;

/// The server's only source of time.
#[derive(Debug, Clone)]
pub enum Clock {
    /// Wall-clock time, and a monotonic counter since the clock was made.
    System(Instant),
    /// Milliseconds since 1970 that move only when [`Clock::advance`] is called.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::System(Instant::now())
    }

    /// A clock that stands at `at` until it is moved.
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.as_millis())))
    }

    /// Moves a manual clock forward; a system clock is left alone.
    pub fn advance(&self, millis: i64) {
        if let Self::Manual(now) = self {
            now.fetch_add(millis, Ordering::SeqCst);
        }
    }

    /// The time of day, UTC, in milliseconds.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(match self {
            Self::System(_) => system_millis(),
            Self::Manual(now) => now.load(Ordering::SeqCst),
        })
    }

    /// Nanoseconds that never go backwards; only differences mean something.
    pub fn monotonic_nanos(&self) -> i64 {
        match self {
            Self::System(start) => i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX),
            Self::Manual(now) => now.load(Ordering::SeqCst).saturating_mul(1_000_000),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the seam through which time comes in")]
fn system_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
