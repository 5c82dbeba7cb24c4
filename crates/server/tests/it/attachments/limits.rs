//! Policies `upload` and `upload_bytes`: from both or from none, and of the bytes exactly, whatever node is asked.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::declared;
use crate::client::Answer;
use crate::nodes::Nodes;
use crate::stage::Stage;

async fn ask(stage: &Stage, bytes: usize) -> Answer {
    stage.post("alice", "/v1/uploads", of(bytes)).await
}

fn of(bytes: usize) -> Value {
    declared(json!({ "to": "bob" }), "text/plain", &vec![b'x'; bytes])
}

fn reason(answer: &Answer) -> Value {
    assert_eq!(answer.refusal(), (429, "RATE_LIMITED".into()));
    answer.json()["details"]["reason"].clone()
}

#[store_test]
async fn declared_bytes_count_and_refused_ones_do_not(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob"], |config| {
        config.limits.set("upload_bytes=1000/100").unwrap();
        config.limits.set("upload=3/60").unwrap();
    })
    .await;
    assert_eq!(ask(&stage, 900).await.status, 201);
    let refused = ask(&stage, 200).await;
    assert_eq!(reason(&refused), "upload_bytes");
    assert_eq!(
        refused.json()["details"],
        json!({
            "reason": "upload_bytes", "limit": 1000, "window_s": 100, "retry_after_ms": 10_000
        })
    );
    assert_eq!(refused.header("retry-after"), Some("10"));
    // Neither a slot nor a byte was taken by what was refused.
    assert_eq!(ask(&stage, 60).await.status, 201);
    assert_eq!(ask(&stage, 40).await.status, 201);
    assert_eq!(reason(&ask(&stage, 1).await), "upload");
    stage.clock.advance(60_000);
    assert_eq!(ask(&stage, 600).await.status, 201);
    assert_eq!(reason(&ask(&stage, 1001).await), "upload_bytes");
}

#[store_test]
async fn a_malformed_request_takes_nothing(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob"], |config| config.limits.set("upload=1/60").unwrap()).await;
    let malformed = stage.post("alice", "/v1/uploads", json!({ "to": "bob" })).await;
    assert_eq!(malformed.refusal(), (400, "VALIDATION_ERROR".into()));
    let unknown = stage.post("alice", "/v1/uploads", declared(json!({ "to": "nobody" }), "text/plain", b"x")).await;
    assert_eq!(unknown.refusal(), (404, "AGENT_NOT_FOUND".into()));
    assert_eq!(reason(&ask(&stage, 1).await), "upload");
}

#[tokio::test]
async fn bytes_are_counted_once_for_all_nodes() {
    let nodes = Nodes::start_with(2, |_, config| config.limits.set("upload_bytes=1000/3600").unwrap()).await;
    let key = nodes.nodes[0].register("alice").await;
    nodes.nodes[0].register("bob").await;
    let ask = async |node: usize, bytes: usize| {
        crate::accounts::call(&nodes.nodes[node], &key, "POST", "/v1/uploads", &of(bytes).to_string()).await
    };
    assert_eq!(ask(0, 600).await.status, 201);
    assert_eq!(reason(&ask(1, 500).await), "upload_bytes");
    assert_eq!(ask(1, 300).await.status, 201);
    assert_eq!(reason(&ask(0, 200).await), "upload_bytes");
}
