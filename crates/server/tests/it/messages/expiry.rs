//! extensions.md X3: messages that leave the queue by themselves.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::stage::Stage;

#[store_test]
async fn an_expired_message_is_in_the_history_and_nowhere_else(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let body =
        |id: &str, at: &str| json!({ "to": "bob", "client_msg_id": id, "content": { "text": "x" }, "expires_at": at });
    let at = "2026-01-15T10:30:02+01:00";
    let sent = stage.post("alice", "/v1/messages", body("m-1", at)).await;
    assert_eq!((sent.status, &sent.json()["expires_at"]), (201, &json!("2026-01-15T09:30:02.000Z")));
    let row = &stage.waiting("bob").await[0];
    assert_eq!((&row["expires_at"], row.get("expired")), (&json!("2026-01-15T09:30:02.000Z"), None));
    stage.clock.advance(2_000);
    assert!(stage.waiting("bob").await.is_empty());
    assert_eq!(stage.get("bob", "/v1/messages/undelivered/count").await.json(), json!({ "count": 0 }));
    let path = format!("/v1/messages/{}", sent.json()["conversation_id"].as_str().unwrap());
    for viewer in ["alice", "bob"] {
        let row = &stage.get(viewer, &path).await.rows()[0];
        assert_eq!((&row["status"], &row["expired"]), (&json!("stored"), &json!(true)));
    }
    let late = stage.post("bob", "/v1/messages/sync/ack", json!({ "last_delivery_id": row["delivery_id"] })).await;
    assert_eq!(late.json(), json!({ "acked": 0 }));
    let again = stage.post("alice", "/v1/messages", body("m-1", at)).await;
    assert_eq!((again.status, &again.json()["expired"]), (200, &json!(true)));
    let refused = stage.post(
        "alice",
        "/v1/messages",
        json!({
            "to": "bob", "client_msg_id": "m-2", "content": { "text": "x" }, "expires_at": "soon",
        }),
    );
    let refused = refused.await;
    assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR".to_owned()));
    assert!(refused.json()["details"]["fieldErrors"]["expires_at"].is_array());
}
