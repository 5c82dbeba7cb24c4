//! `POST /v1/messages`: what is stored and answered.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::stage::{Stage, assert_snapshot};

#[store_test]
async fn a_message_is_answered_as_its_sender_sees_it(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let body = json!({ "to": "@BOB", "client_msg_id": "m-1", "content": { "text": "@bob ready? @Carol-" } });
    assert_snapshot!(stage.post("alice", "/v1/messages", body).await.print(), @r#"
    201
    {
      "id": "msg_1",
      "conversation_id": "conv_2",
      "sender": "alice",
      "client_msg_id": "m-1",
      "seq": 1,
      "type": "text",
      "content": {
        "text": "@bob ready? @Carol-"
      },
      "metadata": {},
      "context": {
        "sender": {
          "handle": "alice",
          "display_name": null,
          "kind": "agent"
        },
        "conversation": {
          "type": "direct",
          "group_name": null,
          "member_count": null
        },
        "mentions": [
          "bob",
          "carol"
        ]
      },
      "status": "stored",
      "created_at": "2026-01-15T09:30:00.000Z",
      "delivered_at": null,
      "read_at": null
    }
    "#);
}

#[store_test]
async fn nulls_are_absent_and_unknown_members_dropped(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let body = json!({
        "to": "bob", "conversation_id": null, "client_msg_id": "m-1", "type": null, "metadata": null,
        "context": { "mentions": ["eve"] }, "sender": "eve",
        "content": { "text": "hello", "data": null, "attachment_id": null, "html": "<b>" },
    });
    let sent = stage.post("alice", "/v1/messages", body).await;
    assert_eq!(sent.status, 201);
    let message = sent.json();
    assert_eq!(message["content"], json!({ "text": "hello" }));
    assert_eq!((&message["type"], &message["metadata"]), (&json!("text"), &json!({})));
    assert_eq!((&message["context"]["mentions"], &message["sender"]), (&json!([]), &json!("alice")));
}

#[store_test]
async fn data_and_metadata_come_back_as_they_were_written(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let data = r#"{"z":1.50,"a":[1e3, -0],"z2":"\u00e9","dup":1,"dup":2}"#;
    let body = format!(
        r#"{{"to":"bob","client_msg_id":"m-1","type":"structured","content":{{"data":{data}}},"metadata":{{"k":1.0}}}}"#
    );
    let sent = stage.post_text("alice", "/v1/messages", &body).await;
    let kept = r#""content":{"data":{"z":1.50,"a":[1e3,-0],"z2":"\u00e9","dup":2}},"metadata":{"k":1.0}"#;
    for answer in [sent, stage.get("bob", "/v1/messages/sync").await] {
        assert!(answer.body.contains(kept), "{}", answer.body);
    }
}

#[store_test]
async fn an_existing_conversation_is_a_target_too(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "eve"]).await;
    let conversation = stage.say("alice", "bob", "hello").await["conversation_id"].clone();
    let body = json!({ "conversation_id": conversation, "client_msg_id": "m-1", "content": { "text": "hi" } });
    let answered = stage.post("bob", "/v1/messages", body.clone()).await;
    assert_eq!((answered.status, answered.json()["seq"].as_i64()), (201, Some(2)));
    let foreign = stage.post("eve", "/v1/messages", body).await;
    assert_eq!(foreign.refusal(), (404, "CONVERSATION_NOT_FOUND".to_owned()));
    let unknown = json!({ "conversation_id": "conv_x", "client_msg_id": "m-1", "content": { "text": "hi" } });
    assert_eq!(stage.post("eve", "/v1/messages", unknown).await.body, foreign.body);
}

#[store_test]
async fn an_idempotency_key_stands_in_for_a_missing_id(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let body = json!({ "to": "bob", "client_msg_id": null, "content": { "text": "hello" } });
    let sent = stage.send_with_key("alice", "key-00000001", body.clone()).await;
    assert_eq!((sent.status, sent.json()["client_msg_id"].as_str()), (201, Some("key-00000001")));
    let again = stage.send_with_key("alice", "key-00000001", body).await;
    assert_eq!((again.status, again.header("idempotent-replay")), (200, Some("true")));
}

#[store_test]
async fn a_malformed_key_is_refused_only_where_it_is_needed(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let long = "k".repeat(129);
    for key in ["short", "", "not allowed", "caf\u{e9}-au-lait", &long] {
        let without = json!({ "to": "bob", "content": { "text": "hello" } });
        let refused = stage.send_with_key("alice", key, without).await;
        assert_eq!(refused.refusal(), (400, "IDEMPOTENCY_KEY_INVALID".to_owned()), "{key}");
        let with = json!({ "to": "nobody", "client_msg_id": "m-1", "content": { "text": "hello" } });
        assert_eq!(stage.send_with_key("alice", key, with).await.error_code(), "AGENT_NOT_FOUND", "{key}");
    }
    let reserved = json!({ "to": "bob", "content": { "text": "hello" } });
    assert_eq!(stage.send_with_key("alice", "sys_00000001", reserved).await.error_code(), "VALIDATION_ERROR");
}

#[store_test]
async fn a_filling_inbox_is_announced_with_each_send(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob"], |config| config.limits.set("backlog_warn=2").unwrap()).await;
    stage.say("alice", "bob", "one").await;
    stage.say("bob", "alice", "answer").await;
    let warning = |answer: &Answer| answer.header("x-backlog-warning").map(str::to_owned);
    assert_eq!(warning(&stage.try_say("alice", "bob", "two").await), None);
    assert_eq!(warning(&stage.try_say("alice", "bob", "three").await), Some("bob=2".to_owned()));
    let replay = stage.try_say("alice", "bob", "three").await;
    assert_eq!((replay.status, warning(&replay)), (200, Some("bob=3".to_owned())));
}

#[store_test]
async fn what_is_wrong_is_said_by_field(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let wrong = [
        json!({}),
        json!({ "to": "bob", "conversation_id": "conv_1", "client_msg_id": "m", "content": { "text": "x" } }),
        json!({ "conversation_id": "room", "client_msg_id": "sys_1", "content": {} }),
        json!({ "to": 5, "client_msg_id": "", "type": "system", "content": { "text": 5 }, "metadata": [] }),
        json!({ "to": "alice", "client_msg_id": "m", "content": { "text": "x" } }),
    ];
    let mut lines = Vec::new();
    for body in wrong {
        let refused = stage.post("alice", "/v1/messages", body).await;
        assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR".to_owned()));
        lines.push(refused.json()["details"].to_string());
    }
    assert_snapshot!(lines.join("\n"), @r#"
    {"formErrors":["Exactly one of to and conversation_id is required"],"fieldErrors":{"client_msg_id":["Required"],"content":["Required"]}}
    {"formErrors":["Exactly one of to and conversation_id is required"],"fieldErrors":{}}
    {"formErrors":[],"fieldErrors":{"client_msg_id":["Must not start with sys_"],"content":["Needs at least one of text, data, attachment_id"],"conversation_id":["Must start with grp_ or conv_"]}}
    {"formErrors":[],"fieldErrors":{"client_msg_id":["Must have 1 to 128 characters"],"content.text":["Expected a string"],"metadata":["Expected an object"],"to":["Expected a string"],"type":["Must be text, structured or file"]}}
    {"formErrors":[],"fieldErrors":{"to":["You cannot send a message to yourself"]}}
    "#);
}

#[store_test]
async fn nesting_and_size_have_their_ends(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let code = async |content: Value, metadata: Value| {
        let body = json!({ "to": "nobody", "client_msg_id": "m", "content": content, "metadata": metadata });
        stage.post("alice", "/v1/messages", body).await.error_code()
    };
    let nested = |levels| (1..levels).fold(json!({}), |inner, _| json!({ "in": inner }));
    // Content is level 1, so its data begins at level 2.
    assert_eq!(code(json!({ "data": nested(63) }), nested(64)).await, "AGENT_NOT_FOUND");
    assert_eq!(code(json!({ "data": nested(64) }), json!({})).await, "VALIDATION_ERROR");
    assert_eq!(code(json!({ "text": "x" }), nested(65)).await, "VALIDATION_ERROR");
    let text = |bytes: usize| json!({ "text": "x".repeat(bytes - r#"{"text":""}"#.len()) });
    assert_eq!(code(text(32_768), Value::Null).await, "AGENT_NOT_FOUND");
    assert_eq!(code(text(32_768), json!({})).await, "CONTENT_TOO_LARGE");
    let body = json!({ "to": "bob", "client_msg_id": "m", "content": text(32_769) });
    assert_eq!(
        stage.post("alice", "/v1/messages", body).await.json()["details"],
        json!({ "limit": 32_768, "size": 32_769 })
    );
}
