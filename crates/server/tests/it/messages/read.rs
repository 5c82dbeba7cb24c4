//! `POST /v1/messages/{message_id}/read`.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::stage::{Stage, assert_snapshot};

/// Alice wrote four messages to bob, who answered after the first.
async fn talk(engine: Engine) -> (Stage, Vec<Value>) {
    let stage = Stage::of(engine, &["alice", "bob", "eve"]).await;
    let mut sent = vec![stage.say("alice", "bob", "one").await];
    stage.say("bob", "alice", "answer").await;
    for text in ["two", "three", "four"] {
        sent.push(stage.say("alice", "bob", text).await);
    }
    (stage, sent)
}

fn path(message: &Value) -> String {
    format!("/v1/messages/{}/read", message["id"].as_str().unwrap())
}

#[store_test]
async fn the_cursor_takes_everything_before_it_along(engine: Engine) {
    let (stage, sent) = talk(engine).await;
    assert_snapshot!(stage.post("bob", &path(&sent[2]), Value::Null).await.print(), @r#"
    200
    {
      "id": "msg_1",
      "conversation_id": "conv_2",
      "sender": "alice",
      "client_msg_id": "three",
      "seq": 4,
      "type": "text",
      "content": {
        "text": "three"
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
        "mentions": []
      },
      "status": "read",
      "created_at": "2026-01-15T09:30:03.000Z",
      "delivered_at": "2026-01-15T09:30:05.000Z",
      "read_at": "2026-01-15T09:30:05.000Z",
      "ok": true
    }
    "#);
    let list = stage.get("bob", "/v1/conversations").await;
    assert_eq!(list.table(&["unread_count", "oldest_unread_seq", "newest_unread_seq"]), "1 5 5");
    assert_eq!(stage.waiting("bob").await.len(), 1);
    let history = format!("/v1/messages/{}", sent[0]["conversation_id"].as_str().unwrap());
    assert_snapshot!(stage.get("alice", &history).await.table(&["seq", "sender", "status", "read_at"]), @r"
    5 alice stored null
    4 alice read 2026-01-15T09:30:05.000Z
    3 alice read 2026-01-15T09:30:05.000Z
    2 bob stored null
    1 alice read 2026-01-15T09:30:05.000Z
    ");
}

#[store_test]
async fn it_never_moves_back_and_repeats_change_nothing(engine: Engine) {
    let (stage, sent) = talk(engine).await;
    let first = stage.post("bob", &path(&sent[2]), json!({})).await.json();
    stage.clock.advance(60_000);
    assert_eq!(stage.post("bob", &path(&sent[2]), json!({})).await.json(), first);
    let older = stage.post("bob", &path(&sent[0]), json!({})).await.json();
    assert_eq!((&older["status"], &older["read_at"]), (&json!("read"), &first["read_at"]));
    assert_eq!(stage.get("bob", "/v1/conversations").await.rows()[0]["unread_count"], 1);
    // What was delivered before keeps that time.
    let last = stage.waiting("bob").await;
    let ack = json!({ "last_delivery_id": last[0]["delivery_id"] });
    assert_eq!(stage.post("bob", "/v1/messages/sync/ack", ack).await.json(), json!({ "acked": 1 }));
    stage.clock.advance(1_000);
    let newest = stage.post("bob", &path(&sent[3]), json!({})).await.json();
    assert_ne!(newest["delivered_at"], newest["read_at"]);
}

#[store_test]
async fn only_what_was_received_can_be_read(engine: Engine) {
    let (stage, sent) = talk(engine).await;
    let own = stage.post("alice", &path(&sent[0]), json!({})).await;
    assert_eq!(own.refusal(), (404, "MESSAGE_NOT_FOUND".to_owned()));
    assert_eq!(stage.post("eve", &path(&sent[0]), json!({})).await.body, own.body);
    assert_eq!(stage.post("bob", "/v1/messages/msg_x/read", json!({})).await.body, own.body);
}
