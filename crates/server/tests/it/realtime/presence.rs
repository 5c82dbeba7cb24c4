//! wire.md §13 on sockets: who is there, and who is told. The clock stands; time passes for presence alone.

use std::time::Duration;

use agentchat_protocol::timestamp::Timestamp;
use agentchat_server::{Clock, Config};
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::peer::{Agent, Peer, friends, start_with};
use crate::client::TestServer;
use crate::nodes::until;

const TOKEN: &str = "operator-token-0123456789-0123456789";

pub(crate) fn clock() -> Clock {
    Clock::manual(Timestamp::from_millis(1_768_469_400_000))
}

/// Presences are looked at all the time, by this clock.
pub(crate) fn at_once(config: &mut Config, clock: &Clock) {
    config.clock = clock.clone();
    config.timing.gather_presence = Duration::from_millis(1);
    config.timing.renew_presence = Duration::from_millis(20);
    config.timing.sweep_presence = Duration::from_millis(5);
    config.limits.set("api=off").unwrap();
}

pub(crate) async fn put(server: &TestServer, agent: &Agent, body: Value) {
    let answer =
        server.request("PUT", "/v1/presence", &[("Authorization", &agent.bearer())], body.to_string().as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// The next frame, which must tell of a presence: handle, status, message.
pub(crate) async fn told(peer: &mut Peer) -> (String, String, Value) {
    let frame = peer.frame().await;
    assert_eq!(frame["type"], "presence.update", "{frame}");
    let payload = frame["payload"].as_object().unwrap();
    assert_eq!(payload.len(), 3, "{frame}");
    let text = |name: &str| payload[name].as_str().unwrap().to_owned();
    (text("handle"), text("status"), payload["custom_message"].clone())
}

fn line(handle: &str, status: &str, message: Value) -> (String, String, Value) {
    (handle.into(), status.into(), message)
}

/// What `viewer` sees of `agent`.
pub(crate) async fn seen(server: &TestServer, viewer: &Agent, agent: &Agent) -> String {
    let presence = viewer.get(server, &format!("/v1/presence/{}", agent.handle), &[]).await;
    presence["status"].as_str().unwrap().to_owned()
}

#[store_test]
async fn coming_going_and_saying_are_told(engine: Engine) {
    let clock = clock();
    let server = start_with(engine, |config| at_once(config, &clock)).await;
    let (alice, bob) = friends(&server).await;
    let mut watcher = Peer::acking(&server, &alice).await.hearing_presence();
    watcher.nothing_more().await;
    let mut first = Peer::acking(&server, &bob).await;
    assert_eq!(seen(&server, &alice, &bob).await, "online", "at once");
    assert_eq!(told(&mut watcher).await, line("bobby", "online", Value::Null));
    let second = Peer::legacy(&server, &bob).await;
    clock.advance(2_000);
    first.say(json!({ "type": "presence.update", "status": "busy", "custom_message": "batch" })).await;
    assert_eq!(told(&mut watcher).await, line("bobby", "busy", json!("batch")));
    clock.advance(2_000);
    put(&server, &bob, json!({ "status": "online" })).await;
    assert_eq!(told(&mut watcher).await, line("bobby", "online", Value::Null));
    clock.advance(2_000);
    first.say(json!({ "type": "presence.update", "payload": { "status": "busy", "custom_status": "alias" } })).await;
    assert_eq!(told(&mut watcher).await, line("bobby", "busy", json!("alias")));
    drop(second);
    first.nothing_more().await;
    clock.advance(2_000);
    drop(first);
    assert_eq!(told(&mut watcher).await, line("bobby", "offline", Value::Null), "the last connection");
    assert_eq!(seen(&server, &alice, &bob).await, "offline");
    clock.advance(2_000);
    let mut again = Peer::acking(&server, &bob).await.hearing_presence();
    assert_eq!(told(&mut watcher).await, line("bobby", "busy", json!("alias")), "restored");
    // Bob has heard of alice, and of nothing that is his own.
    watcher.nothing_more().await;
    again.nothing_more().await;
}

#[store_test]
async fn what_fades_is_told(engine: Engine) {
    let clock = clock();
    let server = start_with(engine, |config| at_once(config, &clock)).await;
    let (alice, bob) = friends(&server).await;
    let mut watcher = Peer::acking(&server, &alice).await.hearing_presence();
    watcher.nothing_more().await;
    put(&server, &bob, json!({ "status": "busy" })).await;
    assert_eq!(told(&mut watcher).await, line("bobby", "busy", Value::Null));
    clock.advance(300_000);
    assert_eq!(told(&mut watcher).await, line("bobby", "offline", Value::Null));
    assert_eq!(seen(&server, &bob, &alice).await, "online", "as long as it is connected");
    watcher.nothing_more().await;
}

#[store_test]
async fn changes_within_two_seconds_are_told_as_one(engine: Engine) {
    let clock = clock();
    let server = start_with(engine, |config| at_once(config, &clock)).await;
    let (alice, bob) = friends(&server).await;
    let mut watcher = Peer::acking(&server, &alice).await.hearing_presence();
    watcher.nothing_more().await;
    for number in 0..20 {
        put(&server, &bob, json!({ "status": "busy", "custom_message": number.to_string() })).await;
    }
    assert_eq!(told(&mut watcher).await, line("bobby", "busy", json!("0")));
    watcher.nothing_more().await;
    clock.advance(2_000);
    assert_eq!(told(&mut watcher).await, line("bobby", "busy", json!("19")));
    watcher.nothing_more().await;
}

#[store_test]
async fn what_waits_for_its_two_seconds_is_not_left_to_the_sweep(engine: Engine) {
    let server = start_with(engine, |config| config.timing.sweep_presence = crate::nodes::NEVER).await;
    let (alice, bob) = friends(&server).await;
    let mut watcher = Peer::acking(&server, &alice).await.hearing_presence();
    watcher.nothing_more().await;
    put(&server, &bob, json!({ "status": "busy", "custom_message": "first" })).await;
    put(&server, &bob, json!({ "status": "busy", "custom_message": "second" })).await;
    put(&server, &bob, json!({ "status": "busy", "custom_message": "third" })).await;
    assert_eq!(told(&mut watcher).await, line("bobby", "busy", json!("first")));
    assert_eq!(told(&mut watcher).await, line("bobby", "busy", json!("third")));
}

#[store_test]
async fn frames_that_mean_nothing_are_ignored(engine: Engine) {
    let server = super::peer::start(engine).await;
    let alice = Agent::new(&server, "alice").await;
    let mut peer = Peer::acking(&server, &alice).await;
    for frame in [
        json!({ "type": "presence.update" }),
        json!({ "type": "presence.update", "status": "away" }),
        json!({ "type": "presence.update", "status": "busy", "custom_message": 7 }),
        json!({ "type": "presence.update", "status": "busy", "custom_message": "x".repeat(201) }),
    ] {
        peer.say(frame).await;
    }
    peer.nothing_more().await;
    assert_eq!(seen(&server, &alice, &alice).await, "online");
    peer.say(json!({ "type": "presence.update", "status": "busy" })).await;
    until("it is said", async || seen(&server, &alice, &alice).await == "busy").await;
}

#[store_test]
async fn strangers_are_not_told(engine: Engine) {
    let clock = clock();
    let server = start_with(engine, |config| at_once(config, &clock)).await;
    let (alice, bob) = friends(&server).await;
    let carol = Agent::new(&server, "carol").await;
    let mut watcher = Peer::acking(&server, &alice).await.hearing_presence();
    let mut stranger = Peer::acking(&server, &carol).await.hearing_presence();
    watcher.nothing_more().await;
    put(&server, &bob, json!({ "status": "busy" })).await;
    assert_eq!(told(&mut watcher).await, line("bobby", "busy", Value::Null));
    stranger.nothing_more().await;
}

#[store_test]
async fn a_shutdown_leaves_nobody_there(engine: Engine) {
    let clock = clock();
    let home = crate::client::Home::new(engine).await;
    let mut config = home.config();
    at_once(&mut config, &clock);
    config.admin_token = Some(agentchat_server::Secret::new(TOKEN));
    let server = TestServer { running: agentchat_server::Server::start(config.clone()).await.unwrap(), home };
    let alice = Agent::new(&server, "alice").await;
    let mut peer = Peer::acking(&server, &alice).await;
    peer.nothing_more().await;
    clock.advance(5_000);
    let home = server.leave().await;
    let server = TestServer { running: agentchat_server::Server::start(config).await.unwrap(), home };
    let presence = alice.get(&server, "/v1/presence/alice", &[]).await;
    assert_eq!((&presence["status"], &presence["last_seen"]), (&json!("offline"), &json!("2026-01-15T09:30:05.000Z")));
    let operator = format!("Bearer {TOKEN}");
    let row = server.request("GET", "/admin/agents/alice", &[("Authorization", &operator)], b"").await.json();
    assert_eq!((&row["last_seen"], &row["sockets"]), (&json!("2026-01-15T09:30:05.000Z"), &json!(0)));
}
