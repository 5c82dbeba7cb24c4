//! Calls: what they say, how they are signed, when they are made again.

use std::collections::BTreeMap;

use agentchat_core::webhooks::deliver::ClaimCalls;
use agentchat_protocol::agent::PausedByOwner;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook_signature::{sign, sign_standard};
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::sink::{Sink, all, calling, deliveries, hook, stage, tried};
use crate::nodes::Nodes;
use crate::realtime::peer::Agent;
use crate::stage::Standing;

/// A minute and a fifth: beyond the jitter of the third pause.
const LATER: i64 = 75_000;

#[store_test]
async fn a_message_is_told_and_settled(engine: Engine) {
    let (stage, sink) = (stage(engine).await, Sink::start().await);
    let (path, secret) = hook(&stage, &sink.url, &["message.new"]).await;
    let before = stage.waiting("bob").await;
    let sent = stage.say("alice", "bob", "ring").await;
    let call = sink.after(1).await.remove(0);
    let body = call.json();
    assert_eq!((&body["event"], &body["data"]["id"]), (&json!("message.new"), &sent["id"]));
    assert_eq!(body["timestamp"], sent["created_at"]);
    assert_eq!((&body["data"]["status"], &body["data"]["is_own"]), (&json!("stored"), &json!(false)));
    assert!(body["data"]["delivery_id"].as_str().unwrap().starts_with("del_"), "{body}");
    let row = deliveries(&stage, &path, all("delivered")).await.remove(0);
    assert_eq!((&row["attempts"], &row["last_status_code"]), (&json!(1), &json!(200)));
    assert_eq!(row["id"], call.header("webhook-id"));
    assert_eq!(call.header("x-agentchat-delivery"), call.header("webhook-id"));
    assert_eq!(call.header("x-agentchat-event"), "message.new");
    assert_eq!(call.header("content-type"), "application/json");
    assert_eq!(call.header("user-agent"), "AgentChat-Webhooks/1");
    let seconds: i64 = call.header("webhook-timestamp").parse().unwrap();
    assert_eq!(seconds, stage.clock.now().as_millis() / 1000);
    assert_eq!(call.header("agentchat-signature"), sign(&secret, seconds, call.text.as_bytes()));
    let standard = sign_standard(&[secret], call.header("webhook-id"), seconds, call.text.as_bytes());
    assert_eq!(call.header("webhook-signature"), standard);
    let bob = Agent { handle: "bob", key: stage.key("bob").to_owned() };
    bob.until_undelivered(&stage.server, before.len() as u64).await;
    let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&stage.waiting("bob").await), ids(&before), "what was waiting before the webhook still is");
}

#[store_test]
async fn a_failed_call_is_made_again_under_the_same_id(engine: Engine) {
    let (stage, sink) = (stage(engine).await, Sink::start().await);
    sink.answer_next(&[500, 302]);
    let (path, _) = hook(&stage, &sink.url, &["message.new"]).await;
    stage.say("alice", "bob", "ring").await;
    let row = deliveries(&stage, &path, tried(1)).await.remove(0);
    assert_eq!((&row["status"], &row["last_status_code"]), (&json!("pending"), &json!(500)));
    assert_eq!(row["last_error"], "the receiver answered 500 Internal Server Error");
    let wait = |row: &Value| {
        let at: Timestamp = row["next_attempt_at"].as_str().unwrap().parse().unwrap();
        at.as_millis() - stage.clock.now().as_millis()
    };
    assert!((8_000..=12_000).contains(&wait(&row)), "{row}");
    stage.clock.advance(12_000);
    let row = deliveries(&stage, &path, tried(2)).await.remove(0);
    assert_eq!(row["last_status_code"], 302, "a redirect is not followed");
    assert!((24_000..=36_000).contains(&wait(&row)), "{row}");
    stage.clock.advance(36_000);
    let row = deliveries(&stage, &path, all("delivered")).await.remove(0);
    let calls = sink.received();
    assert_eq!((row["attempts"].as_i64(), calls.len()), (Some(3), 3));
    assert!(calls.iter().all(|call| row["id"] == call.header("webhook-id")));
    let redelivered: Vec<_> = calls.iter().map(|call| call.json()["data"]["redelivered"].clone()).collect();
    assert_eq!(redelivered, [json!(false), json!(true), json!(true)]);
}

#[store_test]
async fn a_presence_is_tried_once(engine: Engine) {
    let (stage, sink) = (stage(engine).await, Sink::start().await);
    sink.answer(500);
    let (path, _) = hook(&stage, &sink.url, &["presence.update"]).await;
    assert_eq!(stage.put("alice", "/v1/presence", json!({ "status": "busy" })).await.status, 200);
    let rows = deliveries(&stage, &path, |rows| !rows.is_empty() && all("failed")(rows)).await;
    assert_eq!((&rows[0]["attempts"], &rows[0]["next_attempt_at"]), (&json!(1), &json!(null)));
    assert_eq!(sink.received()[0].json()["data"]["status"], "busy");
}

#[store_test]
async fn a_receiver_that_is_gone_is_left_alone(engine: Engine) {
    let (stage, sink) = (stage(engine).await, Sink::start().await);
    let (path, _) = hook(&stage, &sink.url, &["message.new"]).await;
    sink.answer_next(&[500]);
    stage.say("alice", "bob", "one").await;
    deliveries(&stage, &path, tried(1)).await;
    sink.answer(410);
    stage.say("alice", "bob", "two").await;
    let rows = deliveries(&stage, &path, |rows| rows.len() == 2 && all("dead")(rows)).await;
    assert_eq!(rows[1]["last_error"], "the receiver answered 410: it is gone");
    let shown = stage.get("bob", &path).await.json();
    assert_eq!((&shown["active"], &shown["disabled_reason"]), (&json!(false), &json!("gone")));
    stage.say("alice", "bob", "three").await;
    assert_eq!(deliveries(&stage, &path, |_| true).await.len(), 2, "an inactive webhook is owed nothing");
    let replay = format!("{path}/deliveries/{}/replay", rows[0]["id"].as_str().unwrap());
    assert_eq!(stage.post("bob", &replay, json!({})).await.refusal(), (400, "VALIDATION_ERROR".to_owned()));
}

#[store_test]
async fn the_old_secret_signs_for_a_day(engine: Engine) {
    let (stage, sink) = (stage(engine).await, Sink::start().await);
    let (path, old) = hook(&stage, &sink.url, &["message.new"]).await;
    let rotated = stage.post("bob", &format!("{path}/rotate-secret"), json!({})).await.json();
    let new = rotated["secret"].as_str().unwrap().to_owned();
    stage.say("alice", "bob", "signed twice").await;
    let call = sink.after(1).await.remove(0);
    let seconds = call.header("webhook-timestamp").parse().unwrap();
    let both = [new.clone(), old];
    let signature =
        |secrets: &[String]| sign_standard(secrets, call.header("webhook-id"), seconds, call.text.as_bytes());
    assert_eq!(call.header("webhook-signature"), signature(&both));
    assert_eq!(call.header("agentchat-signature"), sign(&new, seconds, call.text.as_bytes()));
    stage.clock.advance(24 * 60 * 60 * 1000);
    stage.say("alice", "bob", "signed once").await;
    let call = sink.after(2).await.remove(1);
    assert_eq!(call.header("webhook-signature").split(' ').count(), 1);
}

#[store_test]
async fn a_trial_says_what_came_back(engine: Engine) {
    let (stage, sink) = (stage(engine).await, Sink::start().await);
    let (path, secret) = hook(&stage, &sink.url, &["message.new"]).await;
    let test = format!("{path}/test");
    let answer = stage.post("bob", &test, json!({})).await.json();
    assert_eq!((&answer["ok"], &answer["status_code"], &answer["error"]), (&json!(true), &json!(200), &json!(null)));
    let call = sink.after(1).await.remove(0);
    assert_eq!(call.json()["event"], "webhook.test");
    assert_eq!(format!("/v1/webhooks/{}", call.json()["data"]["webhook_id"].as_str().unwrap()), path);
    let seconds = call.header("webhook-timestamp").parse().unwrap();
    assert_eq!(call.header("agentchat-signature"), sign(&secret, seconds, call.text.as_bytes()));
    sink.answer(503);
    let answer = stage.post("bob", &test, json!({})).await.json();
    assert_eq!((&answer["ok"], &answer["status_code"]), (&json!(false), &json!(503)));
    for _ in 0..8 {
        assert_eq!(stage.post("bob", &test, json!({})).await.status, 200);
    }
    assert_eq!(stage.post("bob", &test, json!({})).await.refusal(), (429, "RATE_LIMITED".to_owned()));
    assert!(deliveries(&stage, &path, |_| true).await.is_empty(), "a trial is no delivery");
}

#[store_test]
async fn a_name_of_this_machine_is_not_called(engine: Engine) {
    let stage = crate::stage::Stage::with(engine, &["alice", "bob"], |config| {
        calling(config);
        config.webhook_guard = agentchat_egress::Guard::Public;
        config.webhook_resolver = std::sync::Arc::new(agentchat_egress::System);
    })
    .await;
    stage.say("alice", "bob", "hello").await;
    let (path, _) = hook(&stage, "https://localhost:8443/", &["message.new"]).await;
    stage.say("bob", "alice", "hello").await;
    stage.say("alice", "bob", "ring").await;
    let row = deliveries(&stage, &path, tried(1)).await.remove(0);
    assert_eq!((&row["last_error"], &row["last_status_code"]), (&json!("address not allowed"), &json!(null)));
}

#[store_test]
async fn what_was_queued_survives_a_restart_and_a_pause_holds_it(engine: Engine) {
    let (stage, sink) = (stage(engine).await, Sink::start().await);
    sink.answer_next(&[500]);
    let (path, _) = hook(&stage, &sink.url, &["message.new"]).await;
    stage.say("alice", "bob", "ring").await;
    deliveries(&stage, &path, tried(1)).await;
    let stage = stage.meanwhile(Standing::Paused("bob", PausedByOwner::Full)).await;
    stage.clock.advance(12_000);
    let held = |rows: &[Value]| {
        let next = rows[0]["next_attempt_at"].as_str().unwrap_or_default();
        next.parse::<Timestamp>().is_ok_and(|next| next > stage.clock.now())
    };
    let row = deliveries(&stage, &path, held).await.remove(0);
    assert_eq!((&row["attempts"], sink.received().len()), (&json!(1), 1), "no attempt is made or counted");
    let stage = stage.meanwhile(Standing::Paused("bob", PausedByOwner::None)).await;
    stage.clock.advance(LATER);
    deliveries(&stage, &path, all("delivered")).await;
    assert_eq!(sink.received().len(), 2);
}

fn claim(node: u8, now: Timestamp) -> ClaimCalls {
    ClaimCalls { node: [node; 16], limit: 10, limit_of_one: 10, out: BTreeMap::new(), now }
}

#[store_test]
async fn what_a_dead_worker_held_is_taken_over(engine: Engine) {
    let stage = crate::stage::Stage::with(engine, &["alice", "bob"], |config| {
        calling(config);
        config.deliver_webhooks = false;
    })
    .await;
    let sink = Sink::start().await;
    hook(&stage, &sink.url, &["message.new"]).await;
    stage.say("alice", "bob", "ring").await;
    let now = stage.clock.now();
    let home = stage.server.leave().await;
    let store = home.store().await;
    let claimed = store.write(claim(7, now)).await.unwrap();
    assert_eq!(claimed.calls.len(), 1);
    let again = store.write(claim(8, now.plus_millis(59_999))).await.unwrap();
    assert!(again.calls.is_empty(), "it is somebody's");
    let taken = store.write(claim(8, now.plus_millis(60_000))).await.unwrap();
    assert_eq!(taken.calls.len(), 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_the_calls_and_make_each_once() {
    let nodes = Nodes::start_with(2, |_, config| calling(config)).await;
    let sink = Sink::start().await;
    let (alice, bob) = (Agent::new(&nodes.nodes[0], "alice").await, Agent::new(&nodes.nodes[0], "bob").await);
    alice.send(&nodes.nodes[0], &bob, "hello").await;
    bob.send(&nodes.nodes[1], &alice, "hello").await;
    let body = json!({ "url": sink.url, "events": ["message.new"] });
    assert_eq!(bob.post(&nodes.nodes[1], "/v1/webhooks", &body).await.status, 201);
    const MESSAGES: usize = 100;
    for number in 0..MESSAGES {
        alice.send(&nodes.nodes[number % 2], &bob, &format!("message {number}")).await;
    }
    let calls = sink.after(MESSAGES).await;
    let mut told: Vec<String> = calls.iter().map(|call| call.json()["data"]["id"].to_string()).collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!((told.len(), calls.len()), (MESSAGES, MESSAGES));
    bob.until_undelivered(&nodes.nodes[0], 1).await;
    assert_eq!(sink.received().len(), MESSAGES);
}
