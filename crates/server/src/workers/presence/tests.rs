//! How little is written, whoever comes and goes.

use std::sync::Arc;

use agentchat_core::presence::{ShowPresence, Sighting};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::AgentId;
use agentchat_protocol::presence::PresenceStatus;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::tables::NewAgent;
use agentchat_store::{Store, StoreOptions, Tx};

use super::*;
use crate::clock::Clock;
use crate::config::Config;
use crate::realtime::Hub;

/// So many agents.
struct Insert(u16);

impl Write for Insert {
    type Out = Vec<AgentKey>;
    type Error = agentchat_core::Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<AgentKey>, agentchat_core::Error> {
        let mut keys = Vec::new();
        for number in 0..self.0 {
            let mut key_hash = [0; 32];
            key_hash[..2].copy_from_slice(&number.to_be_bytes());
            let agent = NewAgent {
                id: AgentId::from_bytes(key_hash[..16].try_into().unwrap()),
                handle: &Handle::parse(&format!("agent-{number}")).unwrap(),
                key_hash: &key_hash,
                email: &"a@example.com".parse().unwrap(),
                display_name: None,
                description: None,
                is_system: false,
                created_at: Timestamp::from_millis(0),
            };
            keys.extend(tx.insert_agent(&agent).await?);
        }
        Ok(keys)
    }
}

async fn sighting(app: &App, agent: AgentKey, handle: &str) -> Sighting {
    let handle = Handle::parse(handle).unwrap();
    // Another node's question: what it knows is written down.
    app.store.read(ShowPresence { viewer: agent, handle, life: [0; 16], now: app.clock.now() }).await.unwrap()
}

async fn until(app: &App, agent: AgentKey, handle: &str, status: PresenceStatus) {
    let until = Instant::now() + Duration::from_secs(10);
    while sighting(app, agent, handle).await.presence(false, app.clock.now()).status != status {
        assert!(Instant::now() < until, "not {status} in time");
        tokio::task::yield_now().await;
    }
}

async fn app(folder: &tempfile::TempDir, change: impl FnOnce(&mut Config)) -> App {
    let mut config = Config::new(folder.path());
    config.clock = Clock::manual(Timestamp::from_millis(1_000_000_000));
    config.timing.sweep_presence = Duration::from_secs(3_600);
    config.timing.renew_presence = Duration::from_secs(3_600);
    change(&mut config);
    let store = Store::open(StoreOptions::new(folder.path())).unwrap();
    crate::run::assemble(config, store).await.unwrap()
}

fn joined(hub: &Arc<Hub>, agents: &[AgentKey]) -> Vec<impl Drop> {
    agents.iter().map(|agent| hub.join_for_test(*agent)).collect()
}

#[tokio::test]
async fn a_storm_is_one_operation_for_every_few_hundred_agents() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder, |config| config.timing.gather_presence = Duration::from_millis(500)).await;
    let agents = app.store.write(Insert(1_000)).await.unwrap();
    let keeping = tokio::spawn(keep_presence(app.clone()));
    let (first, last) = (agents[0], agents[999]);
    let seats = joined(&app.hub, &agents[..1]);
    until(&app, first, "agent-0", PresenceStatus::Online).await;
    let before = app.store.stats().commits;
    let storm = joined(&app.hub, &agents[1..]);
    until(&app, last, "agent-999", PresenceStatus::Online).await;
    // Nobody is the last to be written down.
    for (number, agent) in agents.iter().enumerate() {
        until(&app, *agent, &format!("agent-{number}"), PresenceStatus::Online).await;
    }
    assert!(app.store.stats().commits - before <= 5, "{}", app.store.stats().commits - before);
    // Who is back before it is written down has never been away.
    let before = app.store.stats().commits;
    drop(storm);
    let storm = joined(&app.hub, &agents[1..]);
    until(&app, last, "agent-999", PresenceStatus::Online).await;
    drop(seats);
    until(&app, first, "agent-0", PresenceStatus::Offline).await;
    assert!(app.store.stats().commits - before <= 10, "{}", app.store.stats().commits - before);
    drop(storm);
    app.start_draining();
    keeping.await.unwrap();
    until(&app, last, "agent-999", PresenceStatus::Offline).await;
    app.store.close().await;
}

#[tokio::test]
async fn a_node_renews_all_it_has_in_one_write() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder, |config| {
        config.timing.gather_presence = Duration::from_millis(1);
        config.timing.renew_presence = Duration::from_millis(300);
    })
    .await;
    let agents = app.store.write(Insert(500)).await.unwrap();
    let keeping = tokio::spawn(keep_presence(app.clone()));
    let seats = joined(&app.hub, &agents);
    for (number, agent) in agents.iter().enumerate() {
        until(&app, *agent, &format!("agent-{number}"), PresenceStatus::Online).await;
    }
    let before = app.store.stats().commits;
    app.config.clock.advance(299_999);
    let until_renewed = Instant::now() + Duration::from_secs(10);
    loop {
        let seen = sighting(&app, agents[499], "agent-499").await.presence(false, app.clock.now());
        if seen.last_seen == Some(app.clock.now()) {
            break;
        }
        assert!(Instant::now() < until_renewed, "never renewed");
        tokio::task::yield_now().await;
    }
    assert!(app.store.stats().commits - before <= 2, "{}", app.store.stats().commits - before);
    drop(seats);
    app.start_draining();
    keeping.await.unwrap();
    app.store.close().await;
}
