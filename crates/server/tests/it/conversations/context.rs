//! `GET /v1/conversations/{id}/context` and `GET /v1/conversations/direct/{handle}/context`.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::stage::{Stage, assert_snapshot};

#[store_test]
async fn strangers_have_no_conversation_yet(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    assert_eq!(
        stage.get("alice", "/v1/conversations/direct/%40BOB/context").await.json(),
        json!({
            "state": "new",
            "counterparty": { "handle": "bob", "display_name": null, "avatar_url": null },
            "conversation": null,
        })
    );
}

#[store_test]
async fn an_unanswered_message_is_cold_and_an_answer_establishes(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.say("alice", "bob", "one").await;
    let cold = stage.get("bob", "/v1/conversations/direct/alice/context").await;
    assert_snapshot!(cold.print(), @r#"
    200
    {
      "state": "cold",
      "counterparty": {
        "handle": "alice",
        "display_name": null,
        "avatar_url": null
      },
      "conversation": {
        "conversation_id": "conv_1",
        "type": "direct",
        "group": null,
        "counterparty": {
          "handle": "alice",
          "display_name": null,
          "avatar_url": null
        },
        "relationship": {
          "is_contact": false,
          "added_at": null,
          "note": null
        },
        "direct_state": {
          "state": "cold",
          "initiated_by_self": false,
          "last_message_at": "2026-01-15T09:30:00.000Z"
        },
        "unread": {
          "count": 1,
          "oldest_seq": 1,
          "newest_seq": 1
        }
      }
    }
    "#);
    stage.say("bob", "alice", "answer").await;
    let established = stage.get("alice", "/v1/conversations/direct/bob/context").await.json();
    assert_eq!(established["state"], "established");
    let id = established["conversation"]["conversation_id"].as_str().unwrap().to_owned();
    let context = stage.get("alice", &format!("/v1/conversations/{id}/context")).await;
    assert_eq!(context.json(), established["conversation"]);
    assert_snapshot!(context.print(), @r#"
    200
    {
      "conversation_id": "conv_1",
      "type": "direct",
      "group": null,
      "counterparty": {
        "handle": "bob",
        "display_name": null,
        "avatar_url": null
      },
      "relationship": {
        "is_contact": true,
        "added_at": "2026-01-15T09:30:01.000Z",
        "note": null
      },
      "direct_state": {
        "state": "established",
        "initiated_by_self": true,
        "last_message_at": "2026-01-15T09:30:01.000Z"
      },
      "unread": {
        "count": 1,
        "oldest_seq": 2,
        "newest_seq": 2
      }
    }
    "#);
}

#[store_test]
async fn contexts_of_others_are_not_there(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "eve"]).await;
    let id = stage.say("alice", "bob", "one").await["conversation_id"].as_str().unwrap().to_owned();
    let foreign = stage.get("eve", &format!("/v1/conversations/{id}/context")).await;
    assert_eq!(foreign.refusal(), (404, "CONVERSATION_NOT_FOUND".to_owned()));
    assert_eq!(stage.get("eve", "/v1/conversations/conv_x/context").await.body, foreign.body);
    let own = stage.get("eve", "/v1/conversations/direct/@eve/context").await;
    assert_eq!(own.refusal(), (400, "VALIDATION_ERROR".to_owned()));
    assert_eq!(stage.delete("bob", "/v1/agents/bob").await.status, 200);
    let unknown = stage.get("alice", "/v1/conversations/direct/nobody-here/context").await;
    assert_eq!(unknown.refusal(), (404, "AGENT_NOT_FOUND".to_owned()));
    for handle in ["bob", "-", "not%20a%20handle"] {
        let path = format!("/v1/conversations/direct/{handle}/context");
        assert_eq!(stage.get("alice", &path).await.body, unknown.body, "{handle}");
    }
}
