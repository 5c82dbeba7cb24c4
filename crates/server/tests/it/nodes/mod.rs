//! Several servers on one database, with and without a bus between them.

pub(crate) mod accounts;
mod delivery;
mod groups;
mod idempotency;
mod jobs;
mod limits;
mod outage;
mod presence;
mod ready;

use std::time::{Duration, Instant};

use agentchat_launch::{Nats, TestDatabase};
use agentchat_server::{Config, Secret};
use serde_json::Value;

use crate::client::TestServer;

/// Longer than any test: what is to be seen must not come from a look into the store.
pub(crate) const NEVER: Duration = Duration::from_secs(3_600);
/// What a node promises to find without the bus within five seconds; the rest is for a machine with other work.
pub(crate) const FIVE_SECONDS: Duration = Duration::from_secs(6);
/// Nothing here takes longer; what does has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A database, a bus, and the servers on them.
pub(crate) struct Nodes {
    pub(crate) nodes: Vec<TestServer>,
    pub(crate) nats: Nats,
    pub(crate) database: TestDatabase,
}

impl Nodes {
    /// So many servers that hear each other.
    pub(crate) async fn start(count: usize) -> Self {
        Self::start_with(count, |_, _| {}).await
    }

    /// Servers that look into the store for an agent once, when it arrives; from then on the bus alone tells them.
    pub(crate) async fn told(count: usize) -> Self {
        Self::start_with(count, |_, config| {
            config.timing.resync = NEVER;
            config.timing.resync_lost = NEVER;
            config.timing.keep_callers = NEVER;
        })
        .await
    }

    /// The same after changes to each one's configuration.
    pub(crate) async fn start_with(count: usize, change: impl Fn(usize, &mut Config)) -> Self {
        let (database, nats) = (TestDatabase::new().await, Nats::start());
        let mut nodes = Vec::new();
        for number in 0..count {
            let node = TestServer::start_with(|config| {
                config.database_url = Some(Secret::new(database.url()));
                config.nats_url = Some(Secret::new(nats.url()));
                for limit in ["api=off", "send=off", "otp_cooldown_s=0"] {
                    config.limits.set(limit).unwrap();
                }
                change(number, config);
            });
            nodes.push(node.await);
        }
        let all = Self { nodes, nats, database };
        all.until_bus("ok").await;
        all
    }

    /// Two of them.
    pub(crate) fn two(&self) -> (&TestServer, &TestServer) {
        (&self.nodes[0], &self.nodes[1])
    }

    /// Waits until every server with a bus says this of it.
    pub(crate) async fn until_bus(&self, state: &str) {
        for node in &self.nodes {
            until_bus(node, state).await;
        }
    }
}

/// Waits until a server that has a bus says this of it.
pub(crate) async fn until_bus(node: &TestServer, state: &str) {
    until("the bus is seen", async || {
        let bus = node.get("/v1/ready").await.json()["checks"]["bus"].clone();
        bus == Value::Null || bus == state
    })
    .await;
}

/// Waits for a condition; answers how long that took.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) -> Duration {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}
