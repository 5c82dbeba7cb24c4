//! wire.md §13 over HTTP.

use agentchat_protocol::agent::AgentStatus;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::accounts::call;
use crate::client::Answer;
use crate::stage::{Stage, Standing, assert_snapshot};

async fn put(stage: &Stage, agent: &str, body: Value) -> Answer {
    call(&stage.server, stage.key(agent), "PUT", "/v1/presence", &body.to_string()).await
}

/// Alice and bob have each other in their contacts; carol is a stranger.
async fn stage(engine: Engine) -> Stage {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    stage.say("alice", "bob", "hello").await;
    stage.say("bob", "alice", "hi").await;
    stage
}

#[store_test]
async fn an_agent_says_and_contacts_see(engine: Engine) {
    let stage = stage(engine).await;
    let said = put(&stage, "bob", json!({ "status": "busy", "custom_message": "  batch run " })).await;
    assert_snapshot!(said.print(), @r#"
    200
    {
      "handle": "bob",
      "status": "busy",
      "custom_message": "batch run",
      "last_seen": "2026-01-15T09:30:02.000Z",
      "ok": true
    }
    "#);
    stage.clock.advance(299_999);
    assert_snapshot!(stage.get("alice", "/v1/presence/@BOB").await.print(), @r#"
    200
    {
      "handle": "bob",
      "status": "busy",
      "custom_message": "batch run",
      "last_seen": "2026-01-15T09:30:02.000Z"
    }
    "#);
    stage.clock.advance(1);
    assert_snapshot!(stage.get("alice", "/v1/presence/bob").await.print(), @r#"
    200
    {
      "handle": "bob",
      "status": "offline",
      "custom_message": null,
      "last_seen": "2026-01-15T09:30:02.000Z"
    }
    "#);
    let own = stage.get("alice", "/v1/presence/alice").await.json();
    assert_eq!(own, json!({ "handle": "alice", "status": "offline", "custom_message": null, "last_seen": null }));
}

#[store_test]
async fn last_seen_survives_a_restart(engine: Engine) {
    let stage = stage(engine).await;
    put(&stage, "bob", json!({ "status": "online" })).await;
    stage.mute("carol", "bob").await;
    stage.clock.advance(400_000);
    assert_eq!(stage.get("alice", "/v1/presence/bob").await.json()["last_seen"], "2026-01-15T09:30:02.000Z");
}

#[store_test]
async fn whoever_may_not_look_sees_what_is_seen_of_nobody(engine: Engine) {
    let stage = stage(engine).await;
    put(&stage, "bob", json!({ "status": "busy" })).await;
    let nobody = stage.get("carol", "/v1/presence/nobody").await;
    assert_eq!(nobody.refusal(), (404, "NOT_FOUND".into()));
    for path in ["/v1/presence/bob", "/v1/presence/not%20a%20handle", "/v1/presence/batch"] {
        let answer = stage.get("carol", path).await;
        let expected = if path.ends_with("batch") { 405 } else { 404 };
        assert_eq!(answer.status, expected, "{answer:?}");
        if expected == 404 {
            assert_eq!(answer.body, nobody.body);
        }
    }
    let stage = stage.meanwhile(Standing::Is("bob", AgentStatus::Suspended)).await;
    assert_eq!(stage.get("alice", "/v1/presence/bob").await.body, nobody.body);
}

#[store_test]
async fn a_batch_answers_in_the_order_of_the_request(engine: Engine) {
    let stage = stage(engine).await;
    put(&stage, "bob", json!({ "status": "busy", "custom_message": "x" })).await;
    put(&stage, "carol", json!({ "status": "online", "custom_message": "not for all" })).await;
    let handles = json!(["@Carol", "BOB", "nobody-here", "@bob", "a b", "", "alice", "@@bob"]);
    let answer = stage.post("alice", "/v1/presence/batch", json!({ "handles": handles })).await;
    assert_snapshot!(answer.print(), @r#"
    200
    {
      "presences": [
        {
          "handle": "carol",
          "status": "offline",
          "custom_message": null,
          "last_seen": null
        },
        {
          "handle": "bob",
          "status": "busy",
          "custom_message": "x",
          "last_seen": "2026-01-15T09:30:02.000Z"
        },
        {
          "handle": "nobody-here",
          "status": "offline",
          "custom_message": null,
          "last_seen": null
        },
        {
          "handle": "a b",
          "status": "offline",
          "custom_message": null,
          "last_seen": null
        },
        {
          "handle": "",
          "status": "offline",
          "custom_message": null,
          "last_seen": null
        },
        {
          "handle": "alice",
          "status": "offline",
          "custom_message": null,
          "last_seen": null
        },
        {
          "handle": "@bob",
          "status": "offline",
          "custom_message": null,
          "last_seen": null
        }
      ]
    }
    "#);
}

#[store_test]
async fn what_is_malformed_is_refused(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    for (body, field) in [
        (json!({}), "status"),
        (json!({ "status": "away" }), "status"),
        (json!({ "status": 1 }), "status"),
        (json!({ "status": null }), "status"),
        (json!({ "status": "busy", "custom_message": "x".repeat(201) }), "custom_message"),
        (json!({ "status": "busy", "custom_message": "two\nlines" }), "custom_message"),
        (json!({ "status": "busy", "custom_status": 7 }), "custom_status"),
    ] {
        let answer = put(&stage, "alice", body).await;
        assert_eq!(answer.refusal(), (400, "VALIDATION_ERROR".into()), "{answer:?}");
        assert!(answer.json()["details"]["fieldErrors"][field].is_array(), "{answer:?}");
    }
    let many: Vec<String> = (0..101).map(|number| format!("agent-{number}")).collect();
    for handles in [json!([]), json!(many), json!("bob"), json!(["bob", 1]), Value::Null] {
        let answer = stage.post("alice", "/v1/presence/batch", json!({ "handles": handles })).await;
        assert_eq!(answer.refusal(), (400, "VALIDATION_ERROR".into()), "{answer:?}");
        assert!(answer.json()["details"]["fieldErrors"]["handles"].is_array(), "{answer:?}");
    }
    let hundred = stage.post("alice", "/v1/presence/batch", json!({ "handles": many[..100] })).await;
    assert_eq!(hundred.json()["presences"].as_array().map(Vec::len), Some(100));
}

#[store_test]
async fn the_message_is_cleared_by_nothing_and_by_an_empty_text(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    let message = async |body: Value| put(&stage, "alice", body).await.json()["custom_message"].clone();
    assert_eq!(message(json!({ "status": "busy", "custom_status": "alias" })).await, "alias");
    assert_eq!(message(json!({ "status": "busy", "custom_message": null, "custom_status": "alias" })).await, "alias");
    assert_eq!(message(json!({ "status": "busy", "custom_message": "one", "custom_status": "two" })).await, "one");
    assert_eq!(message(json!({ "status": "busy", "custom_message": "" })).await, Value::Null);
    assert_eq!(message(json!({ "status": "busy", "custom_message": "é".repeat(200) })).await, "é".repeat(200));
    assert_eq!(message(json!({ "status": "online" })).await, Value::Null);
    assert_eq!(stage.get("alice", "/v1/presence/alice").await.json()["custom_message"], Value::Null);
}
