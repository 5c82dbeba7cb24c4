//! What a node needs, and how it says what is missing.

use std::time::{Duration, Instant};

use agentchat_launch::{Nats, Postgres, PostgresSettings, TestDatabase};
use agentchat_server::{Config, Secret, Server};
use serde_json::json;

use super::{Nodes, until};
use crate::client::TestServer;
use crate::realtime::peer::{Agent, Peer, friends};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_named_until_it_is_back() {
    let postgres = Postgres::start(PostgresSettings::default());
    postgres.create("chat");
    let server = TestServer::start_with(|config| {
        config.database_url = Some(Secret::new(postgres.url("chat")));
        config.timing.ping_store = Duration::from_millis(500);
        config.limits.set("api=off").unwrap();
    })
    .await;
    let (alice, bob) = friends(&server).await;
    assert_eq!(server.get("/v1/ready").await.status, 200);
    postgres.kill();
    let away = server.get("/v1/ready").await;
    assert_eq!((away.status, away.error_code().as_str()), (503, "SERVICE_UNAVAILABLE"));
    assert_eq!(away.json()["details"]["checks"], json!({ "database": "failed", "storage": "ok" }));
    assert_eq!(server.get("/v1/health").await.status, 200, "it lives");
    postgres.start_again();
    until("it is ready again", async || server.get("/v1/ready").await.status == 200).await;
    alice.send(&server, &bob, "after").await;
    assert_eq!(bob.undelivered(&server).await, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_lost_bus_is_named_and_the_node_stays_ready() {
    let nodes = Nodes::start(1).await;
    let node = &nodes.nodes[0];
    let ready = node.get("/v1/ready").await.json();
    assert_eq!(ready, json!({ "status": "ready", "checks": { "database": "ok", "storage": "ok", "bus": "ok" } }));
    assert!(node.get("/metrics").await.body.contains("agentchat_bus_up 1"));
    nodes.nats.kill();
    nodes.until_bus("lost").await;
    let lost = node.get("/v1/ready").await;
    assert_eq!((lost.status, &lost.json()["checks"]["bus"]), (200, &json!("lost")));
    nodes.nats.start_again();
    nodes.until_bus("ok").await;
}

#[tokio::test]
async fn a_server_starts_without_the_bus_and_finds_it_later() {
    let (database, nats) = (TestDatabase::new().await, Nats::start());
    nats.kill();
    let began = Instant::now();
    let node = TestServer::start_with(|config| {
        config.database_url = Some(Secret::new(database.url()));
        config.nats_url = Some(Secret::new(nats.url()));
    })
    .await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(node.get("/v1/ready").await.json()["checks"]["bus"], "lost");
    nats.start_again();
    super::until_bus(&node, "ok").await;
    node.stop().await;
}

#[tokio::test]
async fn a_server_does_not_start_without_its_database_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path());
    config.database_url = Some(Secret::new("postgres://chat:hunter2@127.0.0.1:1/chat"));
    config.timing.await_store = Duration::from_millis(300);
    let error = Server::start(config.clone()).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1/chat") && !error.contains("hunter2"), "{error}");
    config.database_url = None;
    config.nats_url = Some(Secret::new("nats://u:hunter2@127.0.0.1:1"));
    let error = Server::start(config).await.unwrap_err().to_string();
    assert!(error.contains("--database-url") && !error.contains("hunter2"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_waits_for_a_database_that_starts_later() {
    let postgres = Postgres::start(PostgresSettings::default());
    postgres.create("chat");
    postgres.stop();
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path());
    config.database_url = Some(Secret::new(postgres.url("chat")));
    let starting = tokio::spawn(Server::start(config));
    let _postgres = tokio::task::spawn_blocking(move || {
        postgres.start_again();
        postgres
    })
    .await
    .unwrap();
    let running = starting.await.unwrap().unwrap();
    running.shutdown();
    running.wait().await;
}

/// A node that is taken away leaves its agents to the others.
#[tokio::test]
async fn agents_move_on_when_a_node_shuts_down() {
    let mut nodes = Nodes::start(2).await;
    let bob = Agent::new(&nodes.nodes[0], "bobby").await;
    let alice = Agent::new(&nodes.nodes[0], "alice").await;
    let mut peer = Peer::acking(&nodes.nodes[0], &bob).await;
    let leaving = nodes.nodes.remove(0);
    leaving.running.shutdown();
    assert_eq!(peer.closed().await, (1001, "Server shutting down".to_owned()));
    let mut peer = Peer::acking(&nodes.nodes[0], &bob).await;
    alice.send(&nodes.nodes[0], &bob, "still here").await;
    assert_eq!(peer.text().await, "still here");
    leaving.running.wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_all_nodes_from_each() {
    const TOKEN: &str = "an-operator-token-of-at-least-32-characters";
    let nodes = Nodes::start_with(2, |_, config| config.admin_token = Some(Secret::new(TOKEN))).await;
    let (one, other) = nodes.two();
    let alice = Agent::new(one, "alice").await;
    let _peer = Peer::acking(one, &alice).await;
    let bearer = format!("Bearer {TOKEN}");
    let seen = async |node: &TestServer| {
        let answer = node.request("GET", "/admin/stats", &[("authorization", &bearer)], b"").await;
        answer.json()["nodes"].as_array().unwrap().clone()
    };
    until("alice is counted", async || {
        let (here, there) = (seen(one).await, seen(other).await);
        here.len() == 2 && there.len() == 2 && here[0]["agents"] == 1 && there[1]["agents"] == 1
    })
    .await;
    let nodes = seen(other).await;
    assert_eq!((&nodes[0]["here"], &nodes[0]["sockets"], &nodes[0]["bus"]), (&json!(true), &json!(0), &json!("up")));
    assert_eq!(
        (&nodes[1]["here"], &nodes[1]["version"], &nodes[1]["sockets"]),
        (&json!(false), &json!(null), &json!(null))
    );
    assert!(nodes[1]["heard_at"].is_string(), "{nodes:?}");
}
