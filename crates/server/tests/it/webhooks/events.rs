//! What requests and frames leave for webhooks.

use std::time::{Duration, Instant};

use agentchat_protocol::agent::PausedByOwner;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::realtime::peer::{Agent, Peer};
use crate::stage::{Stage, Standing};

const ALL: [&str; 6] =
    ["message.new", "message.read", "presence.update", "contact.blocked", "group.invite.received", "group.deleted"];

/// A webhook for these events; the path of its deliveries.
async fn hook(stage: &Stage, agent: &str, events: &[&str]) -> String {
    let body = json!({ "url": "https://hooks.example.com/in", "events": events });
    let answer = stage.post(agent, "/v1/webhooks", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    format!("/v1/webhooks/{}/deliveries", answer.json()["id"].as_str().unwrap())
}

/// Which events were queued, oldest first.
async fn queued(stage: &Stage, agent: &str, deliveries: &str) -> Vec<String> {
    let answer = stage.get(agent, deliveries).await.json();
    let rows = answer["deliveries"].as_array().unwrap();
    rows.iter().rev().map(|row| row["event"].as_str().unwrap().to_owned()).collect()
}

/// What was queued once that is so many: presences are told a moment later.
async fn awaited(stage: &Stage, agent: &str, deliveries: &str, count: usize) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let now = queued(stage, agent, deliveries).await;
        if now.len() >= count {
            return now;
        }
        assert!(Instant::now() < deadline, "{now:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Bob does everything to Alice that she may be told of.
async fn do_everything(stage: &Stage) {
    stage.say("alice", "bob", "hello").await;
    stage.say("bob", "alice", "hello yourself").await;
    let message = stage.say("alice", "bob", "read this").await;
    let read = format!("/v1/messages/{}/read", message["id"].as_str().unwrap());
    assert_eq!(stage.post("bob", &read, json!({})).await.status, 200);
    let group = stage.post("bob", "/v1/groups", json!({ "name": "ops", "member_handles": ["alice"] })).await.json();
    let accept = format!("/v1/groups/invites/{}/accept", group["add_results"][0]["invite_id"].as_str().unwrap());
    stage.post("alice", &accept, json!({})).await;
    let group = format!("/v1/groups/{}", group["group"]["id"].as_str().unwrap());
    assert_eq!(stage.delete("bob", &group).await.status, 200);
    stage.block("bob", "alice").await;
}

#[store_test]
async fn each_request_tells_those_it_concerns(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let mut hooks = Vec::new();
    for event in ALL.iter().filter(|event| **event != "presence.update") {
        if hooks.len() == 5 {
            break;
        }
        hooks.push((*event, hook(&stage, "alice", &[event]).await));
    }
    let own = hook(&stage, "bob", &["contact.blocked", "group.deleted", "group.invite.received"]).await;
    do_everything(&stage).await;
    for (event, deliveries) in hooks {
        let told = queued(&stage, "alice", &deliveries).await;
        // Bob's answer, and the group's own last message.
        let times = if event == "message.new" { 2 } else { 1 };
        assert_eq!(told, vec![event.to_owned(); times]);
    }
    assert!(queued(&stage, "bob", &own).await.is_empty(), "who does it knows");
}

#[store_test]
async fn who_is_fully_paused_is_told_nothing(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let deliveries = hook(&stage, "alice", &ALL).await;
    let message = stage.say("alice", "bob", "read this").await;
    let stage = stage.meanwhile(Standing::Paused("alice", PausedByOwner::Full)).await;
    let read = format!("/v1/messages/{}/read", message["id"].as_str().unwrap());
    assert_eq!(stage.post("bob", &read, json!({})).await.status, 200);
    stage.block("bob", "alice").await;
    assert!(queued(&stage, "alice", &deliveries).await.is_empty());
}

#[store_test]
async fn a_socket_that_reads_tells_the_sender(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let deliveries = hook(&stage, "alice", &["message.read"]).await;
    let message = stage.say("alice", "bob", "read this").await;
    let bob = Agent { handle: "bob", key: stage.key("bob").to_owned() };
    let mut peer = Peer::acking(&stage.server, &bob).await;
    let conversation = &message["conversation_id"];
    peer.say(json!({ "type": "message.read_ack", "conversation_id": conversation, "through_seq": 1 })).await;
    assert_eq!(awaited(&stage, "alice", &deliveries, 1).await, ["message.read"]);
}

#[store_test]
async fn contacts_are_told_of_presences(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    let deliveries = hook(&stage, "alice", &["presence.update"]).await;
    let strangers = hook(&stage, "carol", &["presence.update"]).await;
    assert_eq!(stage.post("alice", "/v1/contacts", json!({ "handle": "bob" })).await.status, 201);
    let said = stage.put("bob", "/v1/presence", json!({ "status": "busy", "custom_message": "on it" })).await;
    assert_eq!(said.status, 200, "{said:?}");
    assert_eq!(awaited(&stage, "alice", &deliveries, 1).await, ["presence.update"]);
    assert_eq!(queued(&stage, "carol", &strangers).await, Vec::<String>::new());
    let row: Value = stage.get("alice", &deliveries).await.json()["deliveries"][0].clone();
    assert_eq!(row["created_at"], "2026-01-15T09:30:00.000Z");
}
