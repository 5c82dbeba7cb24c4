//! Old messages are emptied: what agents and the operator see of it. That counts stay exact the model of the core shows.

use std::time::Duration;

use agentchat_server::Secret;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::accounts::call;
use crate::stage::{Stage, assert_snapshot};

const TOKEN: &str = "operator-token-0123456789-0123456789";
const DAY: i64 = 86_400_000;

async fn stage(engine: Engine, days: &str) -> Stage {
    Stage::with(engine, &["alice", "bob"], |config| {
        config.admin_token = Some(Secret::new(TOKEN));
        config.limits.set(&format!("retention_days={days}")).unwrap();
        config.timing.seek_retention = Duration::from_millis(10);
    })
    .await
}

async fn stats(stage: &Stage) -> Value {
    call(&stage.server, TOKEN, "GET", "/admin/stats", "").await.json()
}

/// The stats once a run has ended at or after a time.
async fn after_a_run(stage: &Stage, from: &str) -> Value {
    let look = async {
        loop {
            let stats = stats(stage).await;
            if stats["retention"]["last_run_at"].as_str() >= Some(from) {
                return stats;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look).await.expect("a run")
}

async fn ack(stage: &Stage, agent: &str, row: &Value) {
    let body = json!({ "last_delivery_id": row["delivery_id"] });
    assert_eq!(stage.post(agent, "/v1/messages/sync/ack", body).await.json()["acked"], 1);
}

#[store_test]
async fn history_begins_later_and_replays_stay(engine: Engine) {
    let stage = stage(engine, "1").await;
    let first = stage.say("alice", "bob", "first").await;
    ack(&stage, "bob", &stage.waiting("bob").await[0]).await;
    stage.say("bob", "alice", "unread, but delivered").await;
    ack(&stage, "alice", &stage.waiting("alice").await[0]).await;
    stage.say("alice", "bob", "still waits").await;
    after_a_run(&stage, "2026-01-15").await;
    assert_eq!(stats(&stage).await["messages"], 3, "nothing is old");
    stage.clock.advance(2 * DAY);
    stage.say("alice", "bob", "young").await;
    let stats = after_a_run(&stage, "2026-01-17").await;
    assert_snapshot!(&stats["retention"], @r#"{"last_run_at":"2026-01-17T09:30:04.000Z","messages":2,"attachments":0,"next_run_at":"2026-01-17T10:30:04.000Z"}"#);
    assert_eq!(stats["messages"], 2);

    let conversation = first["conversation_id"].as_str().unwrap();
    let history = stage.get("bob", &format!("/v1/messages/{conversation}")).await;
    assert_snapshot!(history.table(&["seq", "sender", "status"]), @r"
    4 alice stored
    3 alice stored
    ");
    for (agent, unread) in [("alice", 0), ("bob", 2)] {
        let listed = &stage.get(agent, "/v1/conversations").await.rows()[0];
        assert_eq!((&listed["unread_count"], &listed["last_message_preview"]), (&json!(unread), &json!("young")));
    }
    assert_eq!(stage.waiting("bob").await.len(), 2);
    let id = first["id"].as_str().unwrap();
    let gone = (404, "MESSAGE_NOT_FOUND".to_owned());
    assert_eq!(stage.post("bob", &format!("/v1/messages/{id}/read"), json!({})).await.refusal(), gone);
    assert_eq!(stage.delete("bob", &format!("/v1/messages/{id}")).await.refusal(), gone);
    assert_eq!(stage.get("bob", &format!("/v1/messages/{conversation}?around_message_id={id}")).await.refusal(), gone);
    let exported = stage.get("bob", "/v1/export").await.body;
    assert!(exported.contains("still waits") && !exported.contains("first"));

    assert_snapshot!(stage.try_say("alice", "bob", "first").await.print(), @r#"
    200
    idempotent-replay: true
    {
      "id": "msg_1",
      "conversation_id": "conv_2",
      "sender": "alice",
      "client_msg_id": "first",
      "seq": 1,
      "type": "text",
      "content": {},
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
      "status": "delivered",
      "created_at": "2026-01-15T09:30:00.000Z",
      "delivered_at": null,
      "read_at": null
    }
    "#);
    let other = json!({ "to": "bob", "client_msg_id": "first", "content": { "text": "something else" } });
    let refused = stage.post("alice", "/v1/messages", other).await.refusal();
    assert_eq!(refused, (422, "IDEMPOTENCY_KEY_CONFLICT".into()));
    assert_eq!(stage.say("alice", "bob", "next").await["seq"], 5);

    // What waited goes once it was delivered.
    let waiting = stage.waiting("bob").await;
    ack(&stage, "bob", &waiting[0]).await;
    stage.clock.advance(3_600_000);
    let stats = after_a_run(&stage, "2026-01-17T10:30").await;
    assert_eq!(stats["retention"]["messages"], 1);
    let listed = &stage.get("bob", "/v1/conversations").await.rows()[0];
    assert_eq!((&listed["unread_count"], &listed["oldest_unread_seq"]), (&json!(2), &json!(4)));
}

#[store_test]
async fn by_default_everything_is_kept(engine: Engine) {
    let stage = stage(engine, "0").await;
    stage.say("alice", "bob", "first").await;
    ack(&stage, "bob", &stage.waiting("bob").await[0]).await;
    stage.clock.advance(10_000 * DAY);
    let expected = json!({ "last_run_at": null, "messages": 0, "attachments": 0, "next_run_at": null });
    assert_eq!(stats(&stage).await["retention"], expected);
    assert_eq!(stats(&stage).await["messages"], 1);
}
