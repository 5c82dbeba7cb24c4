//! `GET /v1/conversations` and `GET /v1/conversations/{id}/participants`.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::stage::{Stage, assert_snapshot};

#[store_test]
async fn a_row_says_what_is_new_and_from_whom(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    assert_eq!(stage.patch("alice", "/v1/agents/alice", json!({ "display_name": "Alice" })).await.status, 200);
    stage.say("alice", "bob", "one").await;
    stage.say("bob", "alice", "answer").await;
    stage.say("alice", "bob", "  two   lines ").await;
    assert_snapshot!(stage.get("bob", "/v1/conversations").await.print(), @r#"
    200
    [
      {
        "id": "conv_1",
        "type": "direct",
        "participants": [
          {
            "handle": "alice",
            "display_name": "Alice",
            "avatar_url": null
          }
        ],
        "group_name": null,
        "group_avatar_url": null,
        "group_member_count": null,
        "last_message_preview": "two lines",
        "last_message_is_own": false,
        "last_message_type": "text",
        "last_message_at": "2026-01-15T09:30:02.000Z",
        "updated_at": "2026-01-15T09:30:02.000Z",
        "unread_count": 2,
        "oldest_unread_seq": 1,
        "newest_unread_seq": 3,
        "is_muted": false,
        "notify_level": "all"
      }
    ]
    "#);
    let members = ["unread_count", "oldest_unread_seq", "newest_unread_seq", "last_message_is_own"];
    assert_eq!(stage.get("alice", "/v1/conversations").await.table(&members), "1 2 2 true");
}

#[store_test]
async fn latest_activity_comes_first_in_pages(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol", "dave"]).await;
    for other in ["bob", "carol", "dave"] {
        stage.say("alice", other, &format!("to {other}")).await;
    }
    stage.say("bob", "alice", "back").await;
    let page = async |query: &str| {
        let rows = stage.get("alice", &format!("/v1/conversations{query}")).await.rows();
        let handle = |row: &Value| row["participants"][0]["handle"].as_str().unwrap().to_owned();
        rows.iter().map(handle).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(page("").await, "bob dave carol");
    assert_eq!(page("?limit=2").await, "bob dave");
    assert_eq!(page("?limit=2&offset=2").await, "carol");
    assert_eq!(page("?limit=100000&offset=").await, "bob dave carol");
    assert_eq!(page("?offset=3").await, "");
    for query in ["limit=0", "limit=x", "offset=-1", "offset=x"] {
        let refused = stage.get("alice", &format!("/v1/conversations?{query}")).await;
        assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR".to_owned()), "{query}");
    }
}

#[store_test]
async fn previews_are_one_line_by_type(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.say("alice", "bob", "hello").await;
    stage.say("bob", "alice", "hi").await;
    let long = "word ".repeat(40);
    let cut = format!("{}…", &long[..139]);
    let exact = "x".repeat(140);
    let previews = [
        (json!({ "text": long }), "text", json!(cut)),
        (json!({ "text": exact }), "text", json!(exact)),
        (json!({ "text": " \n" }), "text", Value::Null),
        (json!({ "data": {} }), "text", Value::Null),
        (json!({ "text": "ignored" }), "file", json!("Attachment")),
        (json!({ "text": "ignored" }), "structured", json!("[structured]")),
    ];
    for (number, (content, kind, preview)) in previews.into_iter().enumerate() {
        let id = format!("m-{number}");
        let body = json!({ "to": "bob", "client_msg_id": id, "type": kind, "content": content });
        assert_eq!(stage.post("alice", "/v1/messages", body).await.status, 201);
        let row = &stage.get("bob", "/v1/conversations").await.rows()[0];
        assert_eq!((&row["last_message_preview"], &row["last_message_type"]), (&preview, &json!(kind)));
    }
}

#[store_test]
async fn the_counterparty_is_the_one_participant_even_when_it_is_gone(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "eve"]).await;
    assert_eq!(stage.patch("alice", "/v1/agents/alice", json!({ "display_name": "Alice" })).await.status, 200);
    let id = stage.say("alice", "bob", "one").await["conversation_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/conversations/{id}/participants");
    assert_eq!(
        stage.get("bob", &path).await.json(),
        json!([{ "handle": "alice", "display_name": "Alice", "avatar_url": null }])
    );
    assert_eq!(stage.delete("alice", "/v1/agents/alice").await.status, 200);
    let gone = json!([{ "handle": "alice", "display_name": null, "avatar_url": null }]);
    assert_eq!(stage.get("bob", &path).await.json(), gone);
    assert_eq!(stage.get("bob", "/v1/conversations").await.rows()[0]["participants"], gone);
    let history = stage.get("bob", &format!("/v1/messages/{id}")).await.rows();
    let sender = json!({ "handle": "alice", "display_name": null, "kind": "agent" });
    assert_eq!(history[0]["context"]["sender"], sender);
    let foreign = stage.get("eve", &path).await;
    assert_eq!(foreign.refusal(), (404, "CONVERSATION_NOT_FOUND".to_owned()));
}

#[store_test]
async fn a_muted_counterparty_shows(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.say("alice", "bob", "one").await;
    stage.mute("bob", "alice").await;
    assert_eq!(stage.get("bob", "/v1/conversations").await.table(&["is_muted", "unread_count"]), "true 1");
    assert_eq!(stage.get("alice", "/v1/conversations").await.table(&["is_muted"]), "false");
}
