//! The waits of sockets and of what runs beside them, all in one place so that tests can shorten them.

use std::time::Duration;

/// How long is waited for what. The defaults are the contract's, or keep a little below it.
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
    /// Between two looks into a shared store for what the bus lost, agent by agent.
    pub resync: Duration,
    /// The same while there is no bus, or it is lost.
    pub resync_lost: Duration,
    /// First sockets and held requests of agents are gathered for so long, before the store is asked what the bus
    /// missed until it knew of them.
    pub resync_arrival: Duration,
    /// A caller is looked up again in a shared store after so long.
    pub keep_callers: Duration,
    /// Between two looks for jobs that other nodes left in a shared store.
    pub seek_jobs: Duration,
    /// A job in a shared store belongs to the node that took it for so long, counted from its last chunk.
    pub hold_jobs: Duration,
    /// Between two looks for calls of webhooks that are due, or that other nodes queued.
    pub seek_calls: Duration,
    /// Between two looks whether old messages are to be emptied.
    pub seek_retention: Duration,
    /// Agents that come and go are gathered for so long before that is written down.
    pub gather_presence: Duration,
    /// A node says so often that it lives, and its connections with it. One that does not for 300 s is taken for dead.
    pub renew_presence: Duration,
    /// Between two looks for presences that have faded.
    pub sweep_presence: Duration,
    /// Between two signs of life on a stream.
    pub stream_ping: Duration,
    /// For the database to answer, when readiness is asked.
    pub ping_store: Duration,
    /// For the database to be reachable, at the start.
    pub await_store: Duration,
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
            resync: Duration::from_secs(4),
            resync_lost: Duration::from_millis(900),
            resync_arrival: Duration::from_millis(20),
            keep_callers: Duration::from_secs(5),
            seek_jobs: Duration::from_secs(5),
            hold_jobs: Duration::from_secs(30),
            seek_calls: Duration::from_millis(500),
            seek_retention: Duration::from_secs(60),
            gather_presence: Duration::from_millis(50),
            renew_presence: Duration::from_secs(60),
            sweep_presence: Duration::from_secs(10),
            stream_ping: Duration::from_secs(15),
            ping_store: Duration::from_secs(2),
            await_store: Duration::from_secs(10),
        }
    }
}
