//! `POST /v1/messages` again: the same `client_msg_id` answers the original, before any rule is asked.

use agentchat_protocol::agent::PausedByOwner;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::stage::{Stage, Standing, assert_snapshot};

#[store_test]
async fn a_replay_is_the_original_as_it_stands_now(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let sent = stage.say("alice", "bob", "hello").await;
    let read = stage.post("bob", &format!("/v1/messages/{}/read", sent["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(read.status, 200);
    assert_snapshot!(stage.try_say("alice", "bob", "hello").await.print(), @r#"
    200
    idempotent-replay: true
    {
      "id": "msg_1",
      "conversation_id": "conv_2",
      "sender": "alice",
      "client_msg_id": "hello",
      "seq": 1,
      "type": "text",
      "content": {
        "text": "hello"
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
      "created_at": "2026-01-15T09:30:00.000Z",
      "delivered_at": "2026-01-15T09:30:01.000Z",
      "read_at": "2026-01-15T09:30:01.000Z"
    }
    "#);
    assert_eq!(stage.get("bob", "/v1/messages/undelivered/count").await.json(), json!({ "count": 0 }));
}

#[store_test]
async fn a_replay_does_not_mind_what_would_refuse_a_new_message(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.say("alice", "bob", "hello").await;
    let stage = stage.meanwhile(Standing::Paused("alice", PausedByOwner::Full)).await;
    stage.block("bob", "alice").await;
    assert_eq!(stage.try_say("alice", "bob", "hello").await.status, 200);
    assert_eq!(stage.try_say("alice", "bob", "new").await.refusal(), (403, "AGENT_PAUSED_BY_OWNER".to_owned()));
    assert_eq!(stage.delete("bob", "/v1/agents/bob").await.status, 200);
    assert_eq!(stage.try_say("alice", "bob", "hello").await.status, 200);
}

#[store_test]
async fn another_payload_or_target_is_a_conflict(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    let sent = stage.say("alice", "bob", "hello").await;
    let id = sent["conversation_id"].as_str().unwrap();
    let group = id.replace("conv_", "grp_");
    let content = json!({ "text": "hello" });
    for changed in [
        json!({ "to": "bob", "content": { "text": "hello!" } }),
        json!({ "to": "bob", "content": content, "metadata": { "k": 1 } }),
        json!({ "to": "bob", "content": content, "type": "structured" }),
        json!({ "to": "carol", "content": content }),
        json!({ "to": "nobody", "content": content }),
        json!({ "conversation_id": group, "content": content }),
    ] {
        let mut body = changed.clone();
        body["client_msg_id"] = json!("hello");
        let refused = stage.post("alice", "/v1/messages", body).await;
        assert_eq!(refused.refusal(), (422, "IDEMPOTENCY_KEY_CONFLICT".to_owned()), "{changed}");
        assert_eq!(refused.json().get("details"), None);
    }
    let spelled_otherwise =
        json!({ "conversation_id": id, "client_msg_id": "hello", "type": "text", "content": content, "metadata": {} });
    assert_eq!(stage.post("alice", "/v1/messages", spelled_otherwise).await.status, 200);
}

#[store_test]
async fn a_refused_message_leaves_its_id_free(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let to = |to: &str| json!({ "to": to, "client_msg_id": "m-1", "content": { "text": "hello" } });
    assert_eq!(stage.post("alice", "/v1/messages", to("nobody")).await.error_code(), "AGENT_NOT_FOUND");
    assert_eq!(stage.post("alice", "/v1/messages", to("bob")).await.status, 201);
}
