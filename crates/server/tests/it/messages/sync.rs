//! `GET /v1/messages/sync`, `POST /v1/messages/sync/ack`, `GET /v1/messages/undelivered/count`.

use agentchat_protocol::agent::PausedByOwner;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::stage::{Stage, Standing, assert_snapshot};

const ACK: &str = "/v1/messages/sync/ack";

/// Bob has four messages waiting from two agents.
async fn backlog(engine: Engine) -> Stage {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    for from in ["alice", "carol"] {
        stage.say(from, "bob", &format!("{from} 1")).await;
        stage.say("bob", from, &format!("to {from}")).await;
        stage.say(from, "bob", &format!("{from} 2")).await;
    }
    stage
}

async fn texts(stage: &Stage, path: &str) -> Vec<String> {
    let rows = stage.get("bob", path).await.rows();
    rows.iter().map(|row| row["content"]["text"].as_str().unwrap().to_owned()).collect()
}

fn cursor(row: &Value) -> &str {
    row["delivery_id"].as_str().unwrap()
}

async fn acked(stage: &Stage, agent: &str, cursor: &str) -> Value {
    let answer = stage.post(agent, ACK, json!({ "last_delivery_id": cursor })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn count(stage: &Stage) -> Value {
    stage.get("bob", "/v1/messages/undelivered/count").await.json()
}

#[store_test]
async fn rows_come_in_the_order_of_their_commits(engine: Engine) {
    let stage = backlog(engine).await;
    let all = ["alice 1", "alice 2", "carol 1", "carol 2"];
    assert_eq!(texts(&stage, "/v1/messages/sync").await, all);
    // Looking settles nothing.
    assert_eq!(texts(&stage, "/v1/messages/sync?limit=&after=&wait=").await, all);
    assert_eq!(count(&stage).await, json!({ "count": 4 }));
    assert_snapshot!(stage.get("bob", "/v1/messages/sync?limit=1").await.print(), @r#"
    200
    [
      {
        "id": "msg_1",
        "conversation_id": "conv_2",
        "sender": "alice",
        "client_msg_id": "alice 1",
        "seq": 1,
        "type": "text",
        "content": {
          "text": "alice 1"
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
        "status": "stored",
        "created_at": "2026-01-15T09:30:00.000Z",
        "delivered_at": null,
        "read_at": null,
        "delivery_id": "del_3",
        "is_own": false,
        "sender_handle": "alice",
        "age_ms": 6000,
        "redelivered": false
      }
    ]
    "#);
}

#[store_test]
async fn a_cursor_reads_on_without_settling(engine: Engine) {
    let stage = backlog(engine).await;
    let first = stage.get("bob", "/v1/messages/sync?limit=2").await.rows();
    let rest = format!("/v1/messages/sync?after={}", cursor(&first[1]));
    assert_eq!(texts(&stage, &rest).await, ["carol 1", "carol 2"]);
    // A settled row is a cursor still.
    assert_eq!(acked(&stage, "bob", cursor(&first[1])).await, json!({ "acked": 2 }));
    assert_eq!(texts(&stage, &rest).await, ["carol 1", "carol 2"]);
}

#[store_test]
async fn a_cursor_of_nobody_or_somebody_else_finds_nothing(engine: Engine) {
    let stage = backlog(engine).await;
    let rows = stage.waiting("bob").await;
    let forged = format!("{}0", &cursor(&rows[0])[..35]);
    let forged = if forged == cursor(&rows[0]) { format!("{}1", &forged[..35]) } else { forged };
    let upper = cursor(&rows[0]).to_uppercase();
    for nobody in ["x", "del_", "del_019bc0fd89c375e3890289e2955dfaec", &forged, &upper] {
        assert!(stage.get("bob", &format!("/v1/messages/sync?after={nobody}")).await.rows().is_empty(), "{nobody}");
        assert_eq!(acked(&stage, "bob", nobody).await, json!({ "acked": 0 }));
    }
    let foreign = stage.get("alice", &format!("/v1/messages/sync?after={}", cursor(&rows[0]))).await;
    assert!(foreign.rows().is_empty());
    assert_eq!(acked(&stage, "alice", cursor(&rows[3])).await, json!({ "acked": 0 }));
    assert_eq!(count(&stage).await, json!({ "count": 4 }));
}

#[store_test]
async fn an_ack_settles_what_stands_before_it_once(engine: Engine) {
    let stage = backlog(engine).await;
    let rows = stage.waiting("bob").await;
    assert_eq!(acked(&stage, "bob", cursor(&rows[2])).await, json!({ "acked": 3 }));
    assert_eq!(acked(&stage, "bob", cursor(&rows[2])).await, json!({ "acked": 0 }));
    assert_eq!(acked(&stage, "bob", cursor(&rows[0])).await, json!({ "acked": 0 }));
    assert_eq!(count(&stage).await, json!({ "count": 1 }));
    assert_eq!(texts(&stage, "/v1/messages/sync").await, ["carol 2"]);
    let path = format!("/v1/messages/{}", rows[0]["conversation_id"].as_str().unwrap());
    let members = ["seq", "status", "delivered_at", "read_at"];
    assert_snapshot!(stage.get("alice", &path).await.table(&members), @r"
    3 delivered 2026-01-15T09:30:06.000Z null
    2 stored null null
    1 delivered 2026-01-15T09:30:06.000Z null
    ");
}

#[store_test]
async fn hidden_messages_are_left_out_and_muted_or_blocked_senders_are_not(engine: Engine) {
    let stage = backlog(engine).await;
    let rows = stage.waiting("bob").await;
    let path = format!("/v1/messages/{}", rows[0]["id"].as_str().unwrap());
    assert_eq!(stage.delete("bob", &path).await.status, 200);
    let path = format!("/v1/conversations/{}", rows[2]["conversation_id"].as_str().unwrap());
    assert_eq!(stage.delete("bob", &path).await.status, 200);
    stage.mute("bob", "alice").await;
    stage.block("bob", "carol").await;
    assert_eq!(texts(&stage, "/v1/messages/sync?limit=2").await, ["alice 2", "carol 1"]);
    assert_eq!(count(&stage).await, json!({ "count": 3 }));
}

#[store_test]
async fn what_is_wrong_is_refused(engine: Engine) {
    let stage = Stage::of(engine, &["bob"]).await;
    for query in ["limit=0", "limit=x", "wait=-1", "wait=1.5", "after=x&limit=0"] {
        let refused = stage.get("bob", &format!("/v1/messages/sync?{query}")).await;
        assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR".to_owned()), "{query}");
    }
    for body in [json!({}), json!([]), json!({ "last_delivery_id": "" }), json!({ "last_delivery_id": 5 })] {
        assert_eq!(stage.post("bob", ACK, body).await.refusal(), (400, "VALIDATION_ERROR".to_owned()));
    }
}

#[store_test]
async fn a_fully_paused_agent_gets_nothing_whatever_it_asks(engine: Engine) {
    let stage = backlog(engine).await;
    let rows = stage.waiting("bob").await;
    let stage = stage.meanwhile(Standing::Paused("bob", PausedByOwner::Full)).await;
    for query in ["", "?limit=0", "?wait=60", "?wait=x"] {
        let empty = stage.get("bob", &format!("/v1/messages/sync{query}")).await;
        assert_eq!((empty.status, empty.body.as_str()), (200, "[]"), "{query}");
    }
    assert_eq!(acked(&stage, "bob", cursor(&rows[3])).await, json!({ "acked": 0 }));
    assert_eq!(stage.post_text("bob", ACK, "[").await.json(), json!({ "acked": 0 }));
    assert_eq!(count(&stage).await, json!({ "count": 4 }));
}
