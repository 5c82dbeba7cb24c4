//! Trace context: what tracing headers of a send say goes with the message.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::realtime::peer::{Peer, friends, start};
use crate::stage::Stage;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn send(stage: &Stage, id: &str, headers: &[(&str, &str)]) -> Value {
    let bearer = format!("Bearer {}", stage.key("alice"));
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend(headers);
    let body = json!({ "to": "bob", "client_msg_id": id, "content": { "text": id } }).to_string();
    stage.clock.advance(1_000);
    stage.server.request("POST", "/v1/messages", &all, body.as_bytes()).await.json()
}

#[store_test]
async fn the_trace_is_kept_with_the_message(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.say("alice", "bob", "hello").await;
    stage.say("bob", "alice", "hello").await;
    let trace = json!({ "traceparent": PARENT, "tracestate": "a=1,b=2" });
    let sent = send(&stage, "one", &[("traceparent", PARENT), ("tracestate", "a=1,b=2")]).await;
    assert_eq!(sent["context"]["trace"], trace);
    assert_eq!(send(&stage, "one", &[]).await["context"]["trace"], trace, "a replay shows the original");
    assert_eq!(stage.waiting("bob").await.last().unwrap()["context"]["trace"], trace);
    let alone = send(&stage, "two", &[("traceparent", PARENT), ("tracestate", "not a state")]).await;
    assert_eq!(alone["context"]["trace"], json!({ "traceparent": PARENT }));
    for (id, headers) in [("three", vec![("traceparent", "00-zz")]), ("four", vec![("tracestate", "a=1")])] {
        assert_eq!(send(&stage, id, &headers).await["context"].get("trace"), None, "{id}");
    }
}

#[store_test]
async fn a_live_frame_carries_it(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    let mut peer = Peer::acking(&server, &bob).await;
    peer.until_live(&server, &alice).await;
    let body = json!({ "to": bob.handle, "client_msg_id": "traced", "content": { "text": "traced" } }).to_string();
    let headers = [("authorization", &*alice.bearer()), ("traceparent", PARENT)];
    assert_eq!(server.request("POST", "/v1/messages", &headers, body.as_bytes()).await.status, 201);
    assert_eq!(peer.frame().await["payload"]["context"]["trace"]["traceparent"], PARENT);
}
