//! What a realtime client is told, and the constants of the contract.

use std::num::NonZeroUsize;
use std::time::Duration;

/// What the machine is told once.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether and how to reconnect.
    pub reconnect: Reconnect,
    /// Whether there is a client for the backlog and for holes.
    pub rest: bool,
    /// Whether to drain after each connection.
    pub auto_drain: bool,
    /// Ids of handled messages that are remembered; 0 remembers nothing.
    pub dedup_capacity: usize,
    /// Conversations handled at the same time.
    pub concurrency: NonZeroUsize,
    /// Constants.
    pub tuning: Tuning,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reconnect: Reconnect::default(),
            rest: false,
            auto_drain: true,
            dedup_capacity: 2048,
            concurrency: NonZeroUsize::MIN.saturating_add(15),
            tuning: Tuning::default(),
        }
    }
}

/// Reconnecting (R36, R37).
#[derive(Clone, Copy, Debug)]
pub struct Reconnect {
    /// Whether to reconnect at all.
    pub enabled: bool,
    /// First wait.
    pub initial: Duration,
    /// Longest wait.
    pub max: Duration,
    /// Failed attempts in a row after which to give up; none never does.
    pub max_attempts: Option<u32>,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self { enabled: true, initial: Duration::from_millis(500), max: Duration::from_secs(30), max_attempts: None }
    }
}

/// Constants of the contract; only tests have a reason to change them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tuning {
    /// From HELLO to `hello.ok`.
    pub hello_watchdog: Duration,
    /// A connection this old resets the back-off.
    pub stable: Duration,
    /// Connections shorter than this count as rapid.
    pub rapid: Duration,
    /// Rapid connections in a row before a warning.
    pub rapid_limit: u32,
    /// How long a hole may fill by itself.
    pub gap_window: Duration,
    /// Buffered messages of a conversation before its hole is filled at once.
    pub buffer_soft: usize,
    /// Buffered messages of a conversation before they are released.
    pub buffer_hard: usize,
    /// Messages in hand in all.
    pub pending_limit: usize,
    /// Bytes in hand in all.
    pub pending_bytes: usize,
    /// Rows of a fill's page.
    pub fill_page: u32,
    /// Pages of a fill.
    pub fill_pages: u32,
    /// Time of a fill.
    pub fill_limit: Duration,
    /// Rows of a drain's page.
    pub drain_page: u32,
    /// Rows of a pass that may be unsettled before it stops reading.
    pub drain_window: usize,
    /// How long a reading pass may hold live messages back.
    pub hold: Duration,
    /// Idle conversations whose order is remembered.
    pub idle_conversations: usize,
    /// Failed messages that are remembered.
    pub failed_capacity: usize,
    /// Acknowledgements that wait for a connection.
    pub unsent_acks: usize,
    /// First wait before draining again after a failure.
    pub redrain: Duration,
    /// Longest wait before draining again.
    pub redrain_max: Duration,
    /// All handlers busy for so long is worth a warning.
    pub saturated: Duration,
    /// Handlers' time to finish at shutdown.
    pub grace: Duration,
    /// The closing handshake's time.
    pub close: Duration,
    /// Pause between pings, and time for the pong.
    pub ping: Duration,
    /// Time without progress after which a write has failed.
    pub write: Duration,
    /// The factor of the reconnect back-off; drawn from 0.75..1.25 unless set.
    pub jitter: Option<f64>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            hello_watchdog: Duration::from_secs(4),
            stable: Duration::from_secs(30),
            rapid: Duration::from_secs(60),
            rapid_limit: 5,
            gap_window: Duration::from_secs(2),
            buffer_soft: 500,
            buffer_hard: 1000,
            pending_limit: 10_000,
            pending_bytes: 64 * 1024 * 1024,
            fill_page: 200,
            fill_pages: 25,
            fill_limit: Duration::from_secs(10),
            drain_page: 200,
            drain_window: 1000,
            hold: Duration::from_secs(10),
            idle_conversations: 4096,
            failed_capacity: 10_000,
            unsent_acks: 10_000,
            redrain: Duration::from_secs(30),
            redrain_max: Duration::from_secs(15 * 60),
            saturated: Duration::from_secs(30),
            grace: Duration::from_secs(5),
            close: Duration::from_secs(1),
            ping: Duration::from_secs(20),
            write: Duration::from_secs(20),
            jitter: None,
        }
    }
}
