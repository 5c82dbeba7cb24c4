//! realtime.md §6.2: the sync-led start.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use std::time::Duration;

use serde_json::{Value, json};

use super::peer::{Agent, Peer, friends, start_with};
use crate::client::TestServer;

fn sdk() -> Value {
    json!({ "capabilities": ["ack"], "client": "tests_sdk" })
}

/// A server on which nothing drains before a sync call within the time of a test.
async fn patient(engine: Engine) -> TestServer {
    start_with(engine, |config| {
        config.timing.sync_lead = Duration::from_secs(30);
        config.timing.sync_lead_more = Duration::from_secs(30);
    })
    .await
}

async fn sync(server: &TestServer, agent: &Agent, query: &str, client: &str) -> Value {
    agent.get(server, &format!("/v1/messages/sync{query}"), &[("X-AgentChat-Client", client)]).await
}

#[store_test]
async fn rows_that_sync_returned_are_not_drained_again(engine: Engine) {
    let server = patient(engine).await;
    let (alice, bob) = friends(&server).await;
    alice.send(&server, &bob, "one").await;
    alice.send(&server, &bob, "two").await;
    let mut peer = Peer::greet(&server, &bob, sdk()).await;
    assert_eq!(peer.frame().await["type"], "hello.ok");
    // A look of another client ends no wait, nor does a full page.
    assert_eq!(texts(&sync(&server, &bob, "", "a_hook").await), ["one", "two"]);
    peer.nothing_more().await;
    let first = sync(&server, &bob, "?limit=1", "tests_sdk").await;
    assert_eq!(texts(&first), ["one"]);
    peer.nothing_more().await;
    alice.send(&server, &bob, "meanwhile").await;
    peer.nothing_more().await;
    let after = first[0]["delivery_id"].as_str().unwrap();
    let rest = sync(&server, &bob, &format!("?limit=3&after={after}"), "tests_sdk").await;
    assert_eq!(texts(&rest), ["two", "meanwhile"]);
    // The last page was short; with its ack the wait is over.
    bob.post(&server, "/v1/messages/sync/ack", &json!({ "last_delivery_id": rest[1]["delivery_id"] })).await;
    alice.send(&server, &bob, "live").await;
    assert_eq!(peer.text().await, "live");
    peer.nothing_more().await;
}

#[store_test]
async fn when_no_further_page_is_asked_for_the_drain_goes_on_behind_the_last(engine: Engine) {
    let server = start_with(engine, |config| {
        config.timing.sync_lead = Duration::from_secs(30);
        config.timing.sync_lead_more = Duration::from_millis(100);
    })
    .await;
    let (alice, bob) = friends(&server).await;
    alice.send(&server, &bob, "one").await;
    alice.send(&server, &bob, "two").await;
    let mut peer = Peer::greet(&server, &bob, sdk()).await;
    assert_eq!(peer.frame().await["type"], "hello.ok");
    assert_eq!(texts(&sync(&server, &bob, "?limit=1", "tests_sdk").await), ["one"]);
    assert_eq!(peer.text().await, "two");
    peer.nothing_more().await;
}

fn texts(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["content"]["text"].as_str().unwrap()).collect()
}

#[store_test]
async fn a_short_page_ends_the_wait_when_it_is_acked_and_later_messages_stay_behind_it(engine: Engine) {
    let server = patient(engine).await;
    let (alice, bob) = friends(&server).await;
    alice.send(&server, &bob, "waiting").await;
    let mut peer = Peer::greet(&server, &bob, sdk()).await;
    assert_eq!(peer.frame().await["type"], "hello.ok");
    let rows = sync(&server, &bob, "", "tests_sdk").await;
    assert_eq!(rows[0]["content"]["text"], "waiting");
    alice.send(&server, &bob, "live").await;
    // The client still works on what it was given: a frame now would look like a hole to it.
    peer.nothing_more().await;
    bob.post(&server, "/v1/messages/sync/ack", &json!({ "last_delivery_id": rows[0]["delivery_id"] })).await;
    assert_eq!(peer.text().await, "live");
    peer.nothing_more().await;
    assert_eq!(bob.undelivered(&server).await, 1);
}

#[store_test]
async fn a_page_that_is_never_acked_delays_later_messages_only_so_long(engine: Engine) {
    let server = start_with(engine, |config| {
        config.timing.sync_lead = Duration::from_secs(3);
        config.timing.sync_lead_more = Duration::from_secs(3);
    })
    .await;
    let (alice, bob) = friends(&server).await;
    alice.send(&server, &bob, "waiting").await;
    let mut peer = Peer::greet(&server, &bob, sdk()).await;
    assert_eq!(peer.frame().await["type"], "hello.ok");
    assert_eq!(sync(&server, &bob, "", "tests_sdk").await[0]["content"]["text"], "waiting");
    alice.send(&server, &bob, "live").await;
    assert_eq!(peer.text().await, "live");
}

#[store_test]
async fn without_a_sync_call_the_drain_starts_by_itself(engine: Engine) {
    let server = start_with(engine, |config| config.timing.sync_lead = Duration::from_millis(100)).await;
    let (alice, bob) = friends(&server).await;
    alice.send(&server, &bob, "waiting").await;
    let mut peer = Peer::greet(&server, &bob, sdk()).await;
    assert_eq!(peer.frame().await["type"], "hello.ok");
    peer.nothing_more().await;
    assert_eq!(peer.text().await, "waiting");
}

#[store_test]
async fn an_empty_backlog_drain_now_and_headers_mean_no_wait(engine: Engine) {
    let server = patient(engine).await;
    let (alice, bob) = friends(&server).await;
    let mut empty = Peer::greet(&server, &bob, sdk()).await;
    assert_eq!(empty.frame().await["type"], "hello.ok");
    empty.until_live(&server, &alice).await;
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
