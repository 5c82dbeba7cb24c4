//! `DELETE /v1/messages/{message_id}`.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::stage::Stage;

#[store_test]
async fn a_hidden_message_is_gone_for_its_hider_alone(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.say("alice", "bob", "one").await;
    stage.say("bob", "alice", "answer").await;
    let last = stage.say("alice", "bob", "two").await;
    let path = format!("/v1/messages/{}", last["id"].as_str().unwrap());
    let history = format!("/v1/messages/{}", last["conversation_id"].as_str().unwrap());
    for _ in 0..2 {
        let hidden = stage.delete("bob", &path).await;
        assert_eq!(
            (hidden.status, hidden.json()),
            (200, json!({ "ok": true, "message": "Message hidden from your view" }))
        );
    }
    assert_eq!(stage.get("bob", &history).await.table(&["seq"]), "2\n1");
    assert_eq!(stage.waiting("bob").await.len(), 1);
    assert_eq!(stage.get("bob", "/v1/messages/undelivered/count").await.json(), json!({ "count": 1 }));
    let members = ["last_message_preview", "last_message_is_own", "unread_count", "newest_unread_seq"];
    assert_eq!(stage.get("bob", "/v1/conversations").await.table(&members), "answer true 1 1");
    // The sender sees that it was taken, no more.
    let members = ["seq", "status", "read_at"];
    assert_eq!(stage.get("alice", &history).await.table(&members), "3 delivered null\n2 stored null\n1 stored null");
}

#[store_test]
async fn the_sender_may_hide_its_own(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "eve"]).await;
    let sent = stage.say("alice", "bob", "one").await;
    let path = format!("/v1/messages/{}", sent["id"].as_str().unwrap());
    let history = format!("/v1/messages/{}", sent["conversation_id"].as_str().unwrap());
    let foreign = stage.delete("eve", &path).await;
    assert_eq!(foreign.refusal(), (404, "MESSAGE_NOT_FOUND".to_owned()));
    assert_eq!(stage.delete("alice", "/v1/messages/msg_x").await.body, foreign.body);
    assert_eq!(stage.delete("alice", &path).await.status, 200);
    assert_eq!(stage.get("alice", &history).await.rows().len(), 0);
    assert_eq!(stage.get("bob", &history).await.rows().len(), 1);
    assert_eq!(stage.waiting("bob").await.len(), 1);
}
