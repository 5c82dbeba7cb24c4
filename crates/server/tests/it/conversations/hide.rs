//! `DELETE /v1/conversations/{id}`.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::stage::Stage;

#[store_test]
async fn a_hidden_conversation_comes_back_with_the_next_message_alone(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.say("alice", "bob", "one").await;
    stage.say("bob", "alice", "answer").await;
    let two = stage.say("alice", "bob", "two").await;
    let id = two["conversation_id"].as_str().unwrap();
    let (path, history) = (format!("/v1/conversations/{id}"), format!("/v1/messages/{id}"));
    for _ in 0..2 {
        let hidden = stage.delete("bob", &path).await;
        assert_eq!((hidden.status, hidden.json()), (200, json!({ "ok": true, "hidden": true })));
    }
    assert_eq!(stage.get("bob", "/v1/conversations").await.rows().len(), 0);
    assert_eq!(stage.get("bob", &history).await.rows().len(), 0);
    let anchor = format!("{history}?around_message_id={}", two["id"].as_str().unwrap());
    assert_eq!(stage.get("bob", &anchor).await.error_code(), "MESSAGE_NOT_FOUND");
    let context = stage.get("bob", "/v1/conversations/direct/alice/context").await.json();
    assert_eq!(context["conversation"]["unread"], json!({ "count": 0, "oldest_seq": null, "newest_seq": null }));
    // Envelopes and the other side are untouched.
    assert_eq!(stage.waiting("bob").await.len(), 2);
    assert_eq!(stage.get("alice", &history).await.rows().len(), 3);

    stage.say("alice", "bob", "three").await;
    assert_eq!(stage.get("bob", "/v1/conversations").await.table(&["last_message_preview", "unread_count"]), "three 1");
    assert_eq!(stage.get("bob", &history).await.table(&["seq"]), "4");
}

#[store_test]
async fn only_an_own_conversation_can_be_hidden(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "eve"]).await;
    let id = stage.say("alice", "bob", "one").await["conversation_id"].as_str().unwrap().to_owned();
    let foreign = stage.delete("eve", &format!("/v1/conversations/{id}")).await;
    assert_eq!(foreign.refusal(), (404, "CONVERSATION_NOT_FOUND".to_owned()));
    assert_eq!(stage.delete("eve", "/v1/conversations/grp_x").await.body, foreign.body);
}
