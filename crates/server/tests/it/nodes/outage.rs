//! The bus is lost: what it would have told is found in the store, within five seconds.

use std::time::{Duration, Instant};

use agentchat_launch::{Gate, TestDatabase};
use agentchat_server::Secret;

use super::accounts::{rotate, status};
use super::delivery::received;
use super::{FIVE_SECONDS, Nodes, until, until_bus};
use crate::client::TestServer;
use crate::realtime::peer::{Agent, Peer, friends};

/// Sends, and waits until it has come; answers how long that took.
async fn across(from: &TestServer, alice: &Agent, bob: &Agent, peer: &mut Peer, text: &str) -> Duration {
    let began = Instant::now();
    alice.send(from, bob, text).await;
    assert_eq!(received(peer).await, text);
    began.elapsed()
}

/// Ten messages, one after the other, come much faster than any look into the store would find them.
async fn assert_live(from: &TestServer, alice: &Agent, bob: &Agent, peer: &mut Peer, name: &str) {
    let began = Instant::now();
    for number in 0..10 {
        across(from, alice, bob, peer, &format!("{name} {number}")).await;
    }
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn messages_and_changes_arrive_while_nats_is_away_and_are_live_when_it_is_back() {
    let nodes = Nodes::start(2).await;
    let (first, second) = nodes.two();
    let (alice, bob) = friends(first).await;
    let mut peer = Peer::acking(second, &bob).await;
    peer.nothing_more().await;
    assert_live(first, &alice, &bob, &mut peer, "before").await;

    nodes.nats.kill();
    for number in 0..3 {
        let took = across(first, &alice, &bob, &mut peer, &format!("away {number}")).await;
        assert!(took < FIVE_SECONDS, "{took:?}");
    }
    let held = bob.get(second, "/v1/messages/sync?wait=30&after=", &[]).await;
    assert!(held.as_array().is_some_and(|rows| rows.len() >= 13), "nothing was acked: {held}");
    nodes.until_bus("lost").await;
    assert_eq!(second.get("/v1/ready").await.status, 200, "messages go on");

    nodes.nats.start_again();
    nodes.until_bus("ok").await;
    assert_live(first, &alice, &bob, &mut peer, "back").await;
    peer.nothing_more().await;
}

#[tokio::test]
async fn a_rotation_is_seen_while_nats_is_away() {
    let nodes = Nodes::start(2).await;
    let (first, second) = nodes.two();
    let (alice, carol) = (Agent::new(first, "alice").await, Agent::new(first, "carol").await);
    let (mut rotated, mut deleted) = (Peer::acking(second, &alice).await, Peer::acking(second, &carol).await);
    assert_eq!(status(second, &alice).await, 200, "from now on it is remembered there");
    nodes.nats.kill();
    rotate(first, &alice).await;
    let bearer = carol.bearer();
    assert_eq!(first.request("DELETE", "/v1/agents/carol", &[("Authorization", &bearer)], b"").await.status, 200);
    let began = Instant::now();
    assert_eq!(rotated.closed().await, (4403, "API key rotated".to_owned()));
    assert_eq!(deleted.closed().await, (4403, "Account deleted".to_owned()));
    let refused = until("the old key is refused", async || status(second, &alice).await == 401).await;
    assert!(began.elapsed() < FIVE_SECONDS + refused && refused < FIVE_SECONDS, "{:?}", began.elapsed());
}

#[tokio::test]
async fn held_requests_end_while_nats_is_away() {
    let nodes = Nodes::start(2).await;
    let (first, second) = nodes.two();
    let (alice, bob) = friends(first).await;
    nodes.nats.kill();
    nodes.until_bus("lost").await;
    let began = Instant::now();
    let held = bob.get(second, "/v1/messages/sync?wait=30", &[]);
    let (rows, _sent) = tokio::join!(held, alice.send(first, &bob, "found"));
    assert_eq!(rows[0]["content"]["text"], "found");
    assert!(began.elapsed() < FIVE_SECONDS, "{:?}", began.elapsed());
}

/// One node is cut off from the bus, and neither it nor the bus is told.
#[tokio::test]
async fn deliveries_go_on_within_five_seconds_on_a_node_that_is_cut_off() {
    let mut nodes = Nodes::start(1).await;
    let gate = Gate::to(nodes.nats.address()).await;
    let url = format!("nats://{}", gate.address());
    let database = nodes.database.url();
    let second = TestServer::start_with(|config| {
        config.database_url = Some(Secret::new(database));
        config.nats_url = Some(Secret::new(url));
        config.limits.set("api=off").unwrap();
    })
    .await;
    nodes.nodes.push(second);
    nodes.until_bus("ok").await;
    let (first, second) = nodes.two();
    let (alice, bob) = friends(first).await;
    let mut peer = Peer::acking(second, &bob).await;
    peer.nothing_more().await;
    assert_live(first, &alice, &bob, &mut peer, "before").await;

    gate.cut();
    for number in 0..5 {
        let took = across(first, &alice, &bob, &mut peer, &format!("cut off {number}")).await;
        assert!(took < FIVE_SECONDS, "{took:?}");
    }
    until_bus(second, "lost").await;
    until_bus(first, "ok").await;
    // What it says itself is found by the others too.
    let mut other = Peer::acking(first, &alice).await;
    assert_eq!(second.get("/v1/ready").await.status, 200);
    let took = across(second, &bob, &alice, &mut other, "from the cut off one").await;
    assert!(took < FIVE_SECONDS, "{took:?}");

    gate.heal();
    nodes.until_bus("ok").await;
    assert_live(first, &alice, &bob, &mut peer, "healed").await;
    peer.nothing_more().await;
}

#[tokio::test]
async fn without_a_bus_nodes_find_each_others_messages_all_the_same() {
    let database = TestDatabase::new().await;
    let start = async || {
        TestServer::start_with(|config| {
            config.database_url = Some(Secret::new(database.url()));
            config.limits.set("api=off").unwrap();
        })
        .await
    };
    let (first, second) = (start().await, start().await);
    let ready = first.get("/v1/ready").await.json();
    assert_eq!(ready["checks"], serde_json::json!({ "database": "ok", "storage": "ok" }));
    let (alice, bob) = friends(&first).await;
    let mut peer = Peer::acking(&second, &bob).await;
    for number in 0..3 {
        let took = across(&first, &alice, &bob, &mut peer, &number.to_string()).await;
        assert!(took < Duration::from_secs(3), "one second and what the machine needs: {took:?}");
    }
    peer.nothing_more().await;
}
