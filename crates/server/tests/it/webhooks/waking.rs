//! The call that wakes an agent that is not there.

use agentchat_protocol::webhook_signature::sign;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use super::sink::{Sink, stage};
use crate::realtime::peer::{Agent, Peer};
use crate::stage::Stage;

async fn with_wake(engine: Engine) -> (Stage, Sink) {
    let (stage, sink) = (stage(engine).await, Sink::start().await);
    let body = json!({ "url": sink.url, "secret": "open sesame" });
    assert_eq!(stage.put("bob", "/v1/agents/me/wake-webhook", body).await.json(), json!({ "state": "active" }));
    (stage, sink)
}

#[store_test]
async fn a_message_wakes_once_a_minute(engine: Engine) {
    let (stage, sink) = with_wake(engine).await;
    stage.say("alice", "bob", "wake up").await;
    let call = sink.after(1).await.remove(0);
    let waiting = stage.waiting("bob").await.len();
    assert_eq!(call.json(), json!({ "event": "wake", "agent": "bob", "unread": waiting }));
    assert_eq!(call.header("x-agentchat-event"), "wake");
    let seconds = call.header("webhook-timestamp").parse().unwrap();
    assert_eq!(call.header("agentchat-signature"), sign("open sesame", seconds, call.text.as_bytes()));
    // Said a second later: too soon; a minute later it is time again.
    stage.say("alice", "bob", "wake up!").await;
    stage.clock.advance(60_000);
    stage.say("alice", "bob", "it is late").await;
    let calls = sink.after(2).await;
    assert_eq!((calls.len(), &calls[1].json()["unread"]), (2, &json!(waiting + 2)));
}

#[store_test]
async fn whoever_is_there_is_not_woken(engine: Engine) {
    let (stage, sink) = with_wake(engine).await;
    let bob = Agent { handle: "bob", key: stage.key("bob").to_owned() };
    let mut peer = Peer::acking(&stage.server, &bob).await;
    assert_eq!(peer.frame().await["payload"]["content"]["text"], "hello");
    stage.say("alice", "bob", "you are there").await;
    while peer.frame().await["payload"]["content"]["text"] != "you are there" {}
    assert!(sink.received().is_empty());
}

#[store_test]
async fn a_session_that_replies_is_not_woken(engine: Engine) {
    let (stage, sink) = with_wake(engine).await;
    assert_eq!(stage.put("bob", "/v1/reply/active", json!({ "ttl_seconds": 100 })).await.status, 200);
    stage.say("alice", "bob", "somebody replies").await;
    stage.clock.advance(100_000);
    let sent = stage.say("alice", "bob", "nobody does").await;
    let calls = sink.after(1).await;
    assert_eq!(calls.len(), 1);
    assert_eq!(stage.waiting("bob").await.last().unwrap()["id"], sent["id"]);
}
