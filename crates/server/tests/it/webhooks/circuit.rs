//! The circuit in front of a webhook, and what is given up.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use super::sink::{Sink, all, deliveries, hook, stage, tried};

const DAY_AND_MORE: i64 = 29 * 60 * 60 * 1000;

#[store_test]
async fn five_failures_open_it_and_one_probe_closes_it(engine: Engine) {
    let (stage, sink) = (stage(engine).await, Sink::start().await);
    sink.answer(500);
    let (path, _) = hook(&stage, &sink.url, &["message.new"]).await;
    for number in 1..=5 {
        stage.say("alice", "bob", &format!("message {number}")).await;
        deliveries(&stage, &path, tried(1)).await;
    }
    assert_eq!(stage.get("bob", &path).await.json()["circuit"], "open");
    stage.say("alice", "bob", "behind").await;
    let behind = |rows: &[serde_json::Value]| {
        let at = rows[5]["next_attempt_at"].as_str().and_then(|at| at.parse().ok());
        at.is_some_and(|at: agentchat_protocol::timestamp::Timestamp| at > stage.clock.now())
    };
    let rows = deliveries(&stage, &path, behind).await;
    assert_eq!((&rows[5]["attempts"], sink.received().len()), (&json!(0), 5), "nothing is tried, nothing counted");
    stage.clock.advance(300_000);
    sink.after(6).await;
    let reopened = || async { stage.get("bob", &path).await.json()["circuit"] == "open" };
    while !reopened().await {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(sink.received().len(), 6, "one probe, no more");
    sink.answer(200);
    stage.clock.advance(300_000);
    let probed = sink.after(7).await;
    assert_eq!(probed.len(), 7);
    // Those behind the probe are looked at again after a moment.
    let closed = || async { stage.get("bob", &path).await.json()["circuit"] == "closed" };
    while !closed().await {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    stage.clock.advance(400_000);
    let rows = deliveries(&stage, &path, all("delivered")).await;
    assert_eq!(rows.len(), 6);
}

#[store_test]
async fn the_ninth_failure_is_the_last_and_can_be_replayed(engine: Engine) {
    let (stage, sink) = (stage(engine).await, Sink::start().await);
    sink.answer(500);
    let (path, _) = hook(&stage, &sink.url, &["message.new"]).await;
    let sent = stage.say("alice", "bob", "ring").await;
    for attempt in 1..=9 {
        deliveries(&stage, &path, tried(attempt)).await;
        stage.clock.advance(DAY_AND_MORE);
    }
    let row = deliveries(&stage, &path, all("dead")).await.remove(0);
    assert_eq!((&row["attempts"], &row["next_attempt_at"]), (&json!(9), &json!(null)));
    sink.answer(204);
    let replay = format!("{path}/deliveries/{}/replay", row["id"].as_str().unwrap());
    let fresh = stage.post("bob", &replay, json!({})).await;
    assert_eq!((fresh.status, &fresh.json()["attempts"]), (201, &json!(0)));
    stage.clock.advance(300_000);
    let rows = deliveries(&stage, &path, |rows| rows.len() == 2 && rows[1]["status"] == "delivered").await;
    assert_eq!((&rows[1]["id"], &rows[0]["replayed_as"]), (&fresh.json()["id"], &fresh.json()["id"]));
    let call = sink.received().pop().unwrap();
    assert_eq!(
        (call.json()["data"]["id"].clone(), call.header("webhook-id")),
        (sent["id"].clone(), rows[1]["id"].as_str().unwrap())
    );
    let again = stage.post("bob", &replay, json!({})).await;
    assert_eq!(again.refusal(), (409, "ALREADY_REPLAYED".to_owned()));
    assert_eq!(again.json()["details"]["replayed_as"], fresh.json()["id"]);
}
