//! Messages that refer to files.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::{attached, group, put, slot};
use crate::client::Answer;
use crate::stage::Stage;

const BYTES: &[u8] = b"look at this";

async fn send(stage: &Stage, by: &str, target: Value, id: &str, name: &str) -> Answer {
    let mut body = json!({ "type": "file", "client_msg_id": name, "content": { "attachment_id": id } });
    body.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
    stage.post(by, "/v1/messages", body).await
}

#[store_test]
async fn a_message_refers_to_a_file_of_its_sender_for_its_recipient(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    let bob = json!({ "to": "bob" });
    let (id, path) = slot(&stage, "alice", bob.clone(), "text/plain", BYTES).await;
    let not_ready = send(&stage, "alice", bob.clone(), &id, "1").await;
    assert_eq!(not_ready.refusal(), (400, "ATTACHMENT_NOT_READY".into()));
    let wrong_scope = send(&stage, "alice", json!({ "to": "carol" }), &id, "1").await;
    assert_eq!(wrong_scope.refusal(), (400, "ATTACHMENT_WRONG_SCOPE".into()));
    for unknown in ["", "x", "att_00000000000000000000000000"] {
        let answer = send(&stage, "alice", bob.clone(), unknown, "1").await;
        assert_eq!(answer.refusal(), (404, "ATTACHMENT_NOT_FOUND".into()), "{unknown}");
    }
    let foreign = send(&stage, "bob", json!({ "to": "alice" }), &id, "1").await;
    assert_eq!(foreign.refusal(), (404, "ATTACHMENT_NOT_FOUND".into()));
    assert_eq!(put(&stage, &path, BYTES).await.status, 200);
    let sent = send(&stage, "alice", bob.clone(), &id, "1").await;
    assert_eq!((sent.status, sent.json()["content"].clone()), (201, json!({ "attachment_id": id })));
    let row = stage.waiting("bob").await.remove(0);
    assert_eq!(row["content"]["attachment_id"], json!(id));
    // What was refused before is stored under its name now, once.
    let replay = send(&stage, "alice", bob, &id, "1").await;
    assert_eq!((replay.status, replay.header("idempotent-replay")), (200, Some("true")));
}

#[store_test]
async fn one_file_may_be_in_many_messages_of_its_group(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let (group, other) = (group(&stage, &["alice", "bob"]).await, group(&stage, &["alice", "bob"]).await);
    let here = json!({ "conversation_id": group });
    let id = attached(&stage, "alice", here.clone(), BYTES).await;
    for name in ["1", "2"] {
        assert_eq!(send(&stage, "alice", here.clone(), &id, name).await.status, 201);
    }
    let elsewhere = send(&stage, "alice", json!({ "conversation_id": other }), &id, "3").await;
    assert_eq!(elsewhere.refusal(), (400, "ATTACHMENT_WRONG_SCOPE".into()));
    let direct = send(&stage, "alice", json!({ "to": "bob" }), &id, "3").await;
    assert_eq!(direct.refusal(), (400, "ATTACHMENT_WRONG_SCOPE".into()));
    let foreign = send(&stage, "bob", here.clone(), &id, "3").await;
    assert_eq!(foreign.refusal(), (404, "ATTACHMENT_NOT_FOUND".into()));
    let (empty, _) = slot(&stage, "alice", here.clone(), "text/plain", BYTES).await;
    let not_ready = send(&stage, "alice", here, &empty, "3").await;
    assert_eq!(not_ready.refusal(), (400, "ATTACHMENT_NOT_READY".into()));
}

#[store_test]
async fn a_refused_file_opens_no_conversation(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let refused = send(&stage, "alice", json!({ "to": "bob" }), "att_x", "1").await;
    assert_eq!(refused.refusal(), (404, "ATTACHMENT_NOT_FOUND".into()));
    assert!(stage.get("alice", "/v1/conversations").await.rows().is_empty());
}
