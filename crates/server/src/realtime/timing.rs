//! The waits of a socket, all in one place so that tests can shorten them.

use std::time::Duration;

/// How long a socket waits for what. The defaults are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From the upgrade to the HELLO.
    pub hello: Duration,
    /// The same once the server shuts down.
    pub hello_at_shutdown: Duration,
    /// Between two pings.
    pub ping: Duration,
    /// From a ping to the next frame of the client.
    pub pong: Duration,
    /// Without any progress of a write.
    pub stalled: Duration,
    /// For the sync call that leads the drain.
    pub sync_lead: Duration,
    /// For the next sync call after a full page.
    pub sync_lead_more: Duration,
    /// From a close frame to the end of the connection.
    pub farewell: Duration,
    /// Acks of all sockets are gathered for so long.
    pub gather_acks: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(5),
            hello_at_shutdown: Duration::from_secs(1),
            ping: Duration::from_secs(30),
            pong: Duration::from_secs(20),
            stalled: Duration::from_secs(60),
            sync_lead: Duration::from_secs(1),
            sync_lead_more: Duration::from_secs(30),
            farewell: Duration::from_secs(2),
            gather_acks: Duration::from_millis(20),
        }
    }
}
