//! wire.md §5.5: a message to a group, over HTTP.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::stage::Stage;

/// alice's group, with everybody who is named; they have read what was said about their coming.
pub(super) async fn group(stage: &Stage, members: &[&str]) -> String {
    let body = json!({ "name": "ops", "member_handles": members });
    let made = stage.post("alice", "/v1/groups", body).await.json();
    for member in members {
        let invites = stage.get(member, "/v1/groups/invites").await.rows();
        let path = format!("/v1/groups/invites/{}/accept", invites[0]["id"].as_str().unwrap());
        assert_eq!(stage.post(member, &path, json!({})).await.status, 200);
        stage.clock.advance(1_000);
    }
    for agent in members.iter().chain(&["alice"]) {
        if let Some(last) = stage.waiting(agent).await.last() {
            stage.post(agent, "/v1/messages/sync/ack", json!({ "last_delivery_id": last["delivery_id"] })).await;
        }
    }
    made["group"]["id"].as_str().unwrap().to_owned()
}

pub(super) async fn try_tell(stage: &Stage, from: &str, group: &str, text: &str) -> Answer {
    let body = json!({ "conversation_id": group, "client_msg_id": text, "content": { "text": text } });
    let answer = stage.post(from, "/v1/messages", body).await;
    stage.clock.advance(1_000);
    answer
}

async fn tell(stage: &Stage, from: &str, group: &str, text: &str) -> Value {
    let answer = try_tell(stage, from, group, text).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

#[store_test]
async fn every_member_has_it_and_the_sender_sees_the_group_in_it(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    let group = group(&stage, &["bob", "carol"]).await;
    let sent = try_tell(&stage, "alice", &group, "@carol ready?").await;
    assert_eq!(sent.status, 201);
    let message = sent.json();
    assert_eq!((&message["seq"], &message["type"], &message["status"]), (&json!(3), &json!("text"), &json!("stored")));
    assert_eq!(message["conversation_id"], json!(group));
    let conversation = json!({ "type": "group", "group_name": "ops", "member_count": 3 });
    assert_eq!(
        (&message["context"]["conversation"], &message["context"]["mentions"]),
        (&conversation, &json!(["carol"]))
    );
    let id = sent.json()["id"].clone();
    for member in ["bob", "carol"] {
        let rows = stage.waiting(member).await;
        assert_eq!((rows.len(), &rows[0]["id"], &rows[0]["is_own"]), (1, &id, &json!(false)));
    }
    assert!(stage.waiting("alice").await.is_empty());
    assert_eq!(sent.header("ratelimit-policy"), Some(r#""send";q=60;w=1, "group_send";q=20;w=1, "loop";q=600;w=600"#));
    assert_eq!(sent.header("ratelimit"), Some(r#""send";r=59;t=1, "group_send";r=19;t=1, "loop";r=600;t=0"#));
}

#[store_test]
async fn a_full_inbox_is_named_in_the_first_answer_alone(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob", "carol"], |config| {
        config.limits.set("backlog_hard=1").unwrap();
    })
    .await;
    let group = group(&stage, &["bob", "carol"]).await;
    let first = tell(&stage, "alice", &group, "one").await;
    assert_eq!(first.get("skipped_recipients"), None);
    let last = stage.waiting("carol").await;
    stage.post("carol", "/v1/messages/sync/ack", json!({ "last_delivery_id": last[0]["delivery_id"] })).await;
    assert_eq!(tell(&stage, "alice", &group, "two").await["skipped_recipients"], json!(["bob"]));
    let replay = try_tell(&stage, "alice", &group, "two").await;
    assert_eq!((replay.status, replay.header("idempotent-replay")), (200, Some("true")));
    assert_eq!(replay.json().get("skipped_recipients"), None);
    assert_eq!((stage.waiting("bob").await.len(), stage.waiting("carol").await.len()), (1, 1));
}

#[store_test]
async fn the_list_shows_the_group_and_what_is_unread_in_it(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    let group = group(&stage, &["bob", "carol"]).await;
    tell(&stage, "alice", &group, "one").await;
    let last = tell(&stage, "carol", &group, "two").await;
    let rows = stage.get("bob", "/v1/conversations").await.rows();
    let row = rows.iter().find(|row| row["id"] == json!(group)).unwrap();
    assert_eq!(row["participants"], json!([]));
    let shown = ["type", "group_name", "group_member_count", "last_message_preview", "last_message_is_own"];
    let shown: Vec<&Value> = shown.iter().map(|name| &row[name]).collect();
    assert_eq!(shown, [&json!("group"), &json!("ops"), &json!(3), &json!("two"), &json!(false)]);
    // carol's coming and the two messages; bob's own coming is his.
    assert_eq!(
        (&row["unread_count"], &row["oldest_unread_seq"], &row["newest_unread_seq"]),
        (&json!(3), &json!(2), &json!(4))
    );
    let read = stage.post("bob", &format!("/v1/messages/{}/read", last["id"].as_str().unwrap()), json!({})).await;
    assert_eq!((read.status, &read.json()["status"]), (200, &json!("read")));
    let rows = stage.get("bob", "/v1/conversations").await.rows();
    assert_eq!(rows[0]["unread_count"], 0);
    let people = stage.get("bob", &format!("/v1/conversations/{group}/participants")).await;
    assert_eq!(people.table(&["handle"]), "alice\nbob\ncarol");
    let context = stage.get("bob", &format!("/v1/conversations/{group}/context")).await.json();
    assert_eq!(
        context["group"],
        json!({ "name": "ops", "description": null, "member_count": 3, "your_role": "member" })
    );
    assert_eq!((&context["counterparty"], &context["direct_state"]), (&Value::Null, &Value::Null));
}
