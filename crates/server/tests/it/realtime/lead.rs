//! realtime.md §6.2: the sync-led start.

use std::time::Duration;

use serde_json::{Value, json};

use super::peer::{Agent, Peer, friends, start_with};
use crate::client::TestServer;

fn sdk() -> Value {
    json!({ "capabilities": ["ack"], "client": "tests_sdk" })
}

/// A server on which nothing drains before a sync call within the time of a test.
async fn patient() -> TestServer {
    start_with(|config| {
        config.timing.sync_lead = Duration::from_secs(30);
        config.timing.sync_lead_more = Duration::from_secs(30);
    })
    .await
}

async fn sync(server: &TestServer, agent: &Agent, query: &str, client: &str) -> Value {
    agent.get(server, &format!("/v1/messages/sync{query}"), &[("X-AgentChat-Client", client)]).await
}

#[tokio::test]
async fn rows_that_sync_returned_are_not_drained_again() {
    let server = patient().await;
    let (alice, bob) = friends(&server).await;
    alice.send(&server, &bob, "one").await;
    alice.send(&server, &bob, "two").await;
    let mut peer = Peer::greet(&server, &bob, sdk()).await;
    assert_eq!(peer.frame().await["type"], "hello.ok");
    // Another client's look changes nothing.
    assert_eq!(sync(&server, &bob, "", "a_hook").await.as_array().unwrap().len(), 2);
    alice.send(&server, &bob, "meanwhile").await;
    peer.nothing_more().await;
    assert_eq!(sync(&server, &bob, "?limit=2", "tests_sdk").await.as_array().unwrap().len(), 2);
    peer.nothing_more().await;
    let rest = sync(&server, &bob, "?limit=2&after=del_00000000000000000000000000000000", "tests_sdk").await;
    assert_eq!(rest, json!([]), "an unknown cursor");
    let first = sync(&server, &bob, "?limit=1", "tests_sdk").await;
    let after = first[0]["delivery_id"].as_str().unwrap();
    let rest = sync(&server, &bob, &format!("?limit=1&after={after}"), "tests_sdk").await;
    assert_eq!(rest[0]["content"]["text"], "two");
    // A short page: the wait is over, and only what no page held is drained.
    let two = rest[0]["delivery_id"].as_str().unwrap();
    bob.post(&server, "/v1/messages/sync/ack", &json!({ "last_delivery_id": two })).await;
    let empty = sync(&server, &bob, "?limit=9&after=", "tests_sdk").await;
    assert!(empty.as_array().unwrap().len() <= 1);
    peer.nothing_more().await;
    alice.send(&server, &bob, "live").await;
    let mut texts = vec![peer.text().await];
    if texts[0] == "meanwhile" {
        texts.push(peer.text().await);
    }
    assert_eq!(texts.last().unwrap(), "live");
}

#[tokio::test]
async fn a_short_page_ends_the_wait_and_later_messages_stay_behind_it() {
    let server = patient().await;
    let (alice, bob) = friends(&server).await;
    alice.send(&server, &bob, "waiting").await;
    let mut peer = Peer::greet(&server, &bob, sdk()).await;
    assert_eq!(peer.frame().await["type"], "hello.ok");
    assert_eq!(sync(&server, &bob, "", "tests_sdk").await[0]["content"]["text"], "waiting");
    alice.send(&server, &bob, "live").await;
    assert_eq!(peer.text().await, "live");
    peer.nothing_more().await;
    assert_eq!(bob.undelivered(&server).await, 2);
}

#[tokio::test]
async fn without_a_sync_call_the_drain_starts_by_itself() {
    let server = start_with(|config| config.timing.sync_lead = Duration::from_millis(100)).await;
    let (alice, bob) = friends(&server).await;
    alice.send(&server, &bob, "waiting").await;
    let mut peer = Peer::greet(&server, &bob, sdk()).await;
    assert_eq!(peer.frame().await["type"], "hello.ok");
    peer.nothing_more().await;
    assert_eq!(peer.text().await, "waiting");
}

#[tokio::test]
async fn an_empty_backlog_drain_now_and_headers_mean_no_wait() {
    let server = patient().await;
    let (alice, bob) = friends(&server).await;
    let mut empty = Peer::greet(&server, &bob, sdk()).await;
    assert_eq!(empty.frame().await["type"], "hello.ok");
    alice.send(&server, &bob, "first").await;
    assert_eq!(empty.text().await, "first");
    let now = json!({ "capabilities": ["ack", "drain_now"], "client": "tests_sdk" });
    let mut now = Peer::greet(&server, &bob, now).await;
    let mut header = Peer::upgrade(
        &server,
        &[("Authorization", &bob.bearer()), ("X-AgentChat-Client", "tests_sdk"), ("X-AgentChat-Capabilities", "ack")],
    )
    .await
    .unwrap();
    for peer in [&mut now, &mut header] {
        assert_eq!(peer.frame().await["type"], "hello.ok");
        assert_eq!(peer.text().await, "first");
    }
}
