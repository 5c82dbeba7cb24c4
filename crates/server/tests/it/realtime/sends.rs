//! realtime.md §5 and §7: what a client may send.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Message;

use super::peer::{Peer, friends, start, start_with};

fn message(request_id: &str, text: &str) -> Value {
    json!({ "type": "message.send", "request_id": request_id,
        "to": "bobby", "client_msg_id": text, "content": { "text": text } })
}

#[store_test]
async fn sends_are_answered_in_order(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    let mut peer = Peer::acking(&server, &alice).await;
    let mut other = Peer::acking(&server, &bob).await;
    let mut requests: Vec<(String, Value)> = Vec::new();
    for n in 0..20 {
        requests.push((format!("r{n}"), message(&format!("r{n}"), &format!("text {n}"))));
    }
    requests.insert(5, ("bad".into(), json!({ "type": "message.send", "request_id": "bad", "to": "bobby" })));
    requests.insert(9, ("again".into(), message("again", "text 0")));
    requests.insert(
        12,
        (
            "none".into(),
            json!({ "type": "message.send", "request_id": "none", "to": "nobody-here", "client_msg_id": "x",
            "content": { "text": "x" } }),
        ),
    );
    for (_, request) in &requests {
        peer.say(request.clone()).await;
    }
    for (id, _) in &requests {
        let answer = peer.frame().await;
        assert_eq!(answer["payload"]["request_id"], *id, "{answer}");
        let (kind, detail) = match id.as_str() {
            "bad" => ("error", json!("VALIDATION_ERROR")),
            "none" => ("error", json!("AGENT_NOT_FOUND")),
            "again" => ("message.sent", json!(true)),
            _ => ("message.sent", json!(false)),
        };
        let member = if kind == "error" { "code" } else { "replay" };
        assert_eq!((&answer["type"], &answer["payload"][member]), (&json!(kind), &detail), "{answer}");
    }
    for n in 0..20 {
        assert_eq!(other.text().await, format!("text {n}"));
    }
    other.nothing_more().await;
}

#[store_test]
async fn an_excess_send_is_refused_and_other_excess_frames_are_dropped(engine: Engine) {
    let server = start_with(engine, |config| config.limits.set("ws_frame=3/3600").unwrap()).await;
    let (alice, bob) = friends(&server).await;
    let sent = bob.send(&server, &alice, "waiting").await;
    let mut peer = Peer::acking(&server, &alice).await;
    assert_eq!(peer.text().await, "waiting");
    for _ in 0..3 {
        peer.nothing_more().await;
    }
    peer.say(json!({ "type": "ping" })).await;
    // Acks are not counted.
    peer.ack(&sent["id"]).await;
    alice.until_undelivered(&server, 0).await;
    peer.say(message("r1", "too much")).await;
    let error = peer.frame().await;
    assert_eq!((error["type"].as_str(), error["payload"]["request_id"].as_str()), (Some("error"), Some("r1")));
    assert_eq!(error["payload"]["code"], "RATE_LIMITED");
    assert_eq!(error["payload"]["details"]["reason"], "ws_frame");
    assert!(error["payload"]["details"]["retry_after_ms"].as_u64().unwrap() > 0);
}

#[store_test]
async fn frames_that_mean_nothing_are_ignored(engine: Engine) {
    let server = start(engine).await;
    let (alice, _bob) = friends(&server).await;
    let mut peer = Peer::acking(&server, &alice).await;
    for frame in [
        "nonsense",
        "[]",
        r#"{"type":"dance"}"#,
        r#"{"type":"ack"}"#,
        r#"{"type":"message.read_ack","conversation_id":"conv_x","through_seq":-1}"#,
        r#"{"type":"typing.start","conversation_id":"conv_x"}"#,
        r#"{"type":"presence.update","status":"busy"}"#,
        r#"{"type":"message.send","to":"bobby"}"#,
    ] {
        peer.say_raw(Message::text(frame)).await;
    }
    peer.say_raw(Message::binary(r#"{"type":"ping"}"#)).await;
    let pong = peer.frame().await;
    assert_eq!(pong["type"], "pong");
    assert!(pong["payload"]["server_time"].is_string());
}

#[store_test]
async fn pings_of_the_protocol_are_answered(engine: Engine) {
    let server = start(engine).await;
    let (alice, _bob) = friends(&server).await;
    let mut peer = Peer::acking(&server, &alice).await;
    peer.say_raw(Message::Ping("are you there".into())).await;
    assert_eq!(peer.next_raw().await.unwrap().unwrap(), Message::Pong("are you there".into()));
}
