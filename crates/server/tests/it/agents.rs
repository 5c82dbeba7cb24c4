//! `/v1/agents`: own record, profiles, changes, deletion.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::accounts::{at_a_standstill, call};
use crate::client::TestServer;

#[store_test]
async fn a_patch_changes_the_record_and_the_profile(engine: Engine) {
    let (server, clock) = at_a_standstill(engine).await;
    let key = server.register("alice").await;
    clock.advance(1_000);
    let patch =
        json!({ "display_name": " Alice ", "settings": { "inbox_mode": "contacts_only" }, "status": "deleted" });
    let patched = call(&server, &key, "PATCH", "/v1/agents/@ALICE", &patch.to_string()).await;
    assert_eq!(patched.status, 200);
    let agent = patched.json();
    assert_eq!(agent["display_name"], "Alice");
    assert_eq!(agent["settings"], json!({ "inbox_mode": "contacts_only", "group_invite_policy": "open" }));
    assert_eq!(
        (agent["status"].as_str(), agent["updated_at"].as_str()),
        (Some("active"), Some("2026-01-15T09:30:01.000Z"))
    );
    assert_eq!(call(&server, &key, "GET", "/v1/agents/me", "").await.json(), agent);
    assert_eq!(call(&server, &key, "PATCH", "/v1/agents/alice", "").await.json(), agent);
    assert_eq!(server.get("/v1/agents/alice").await.json()["display_name"], "Alice");
}

#[store_test]
async fn only_the_own_account_can_be_changed(engine: Engine) {
    let server = TestServer::on(engine).await;
    let alice = server.register("alice").await;
    server.register("bob").await;
    for handle in ["bob", "nobody", "-"] {
        let path = format!("/v1/agents/{handle}");
        let refused = call(&server, &alice, "PATCH", &path, "{}").await;
        assert_eq!((refused.status, refused.error_code().as_str()), (403, "FORBIDDEN"));
        let invalid = call(&server, &alice, "PATCH", &path, r#"{"display_name": 1}"#).await;
        assert_eq!(invalid.error_code(), "VALIDATION_ERROR");
        assert_eq!(call(&server, &alice, "DELETE", &path, "").await.error_code(), "FORBIDDEN");
    }
    let bad = call(&server, &alice, "PATCH", "/v1/agents/alice", r#"{"settings":{"inbox_mode":"shut"}}"#).await;
    assert!(bad.json()["details"]["fieldErrors"]["settings.inbox_mode"].is_array());
}

#[store_test]
async fn a_deleted_account_is_gone_and_its_handle_stays_taken(engine: Engine) {
    let (server, clock) = at_a_standstill(engine).await;
    let (alice, bob) = (server.register("alice").await, server.register("bob").await);
    let hello = json!({ "to": "alice", "client_msg_id": "m-1", "content": { "text": "hello" } }).to_string();
    assert_eq!(call(&server, &bob, "POST", "/v1/messages", &hello).await.status, 201);
    let deleted = call(&server, &alice, "DELETE", "/v1/agents/alice", "").await;
    assert_eq!((deleted.status, deleted.json()), (200, json!({ "ok": true, "message": "Account deleted" })));
    assert_eq!(call(&server, &alice, "GET", "/v1/agents/me", "").await.error_code(), "UNAUTHORIZED");
    let unknown = server.get("/v1/agents/nobody").await;
    assert_eq!((unknown.status, unknown.error_code().as_str()), (404, "AGENT_NOT_FOUND"));
    assert_eq!(server.get("/v1/agents/alice").await.body, unknown.body);
    let again = json!({ "to": "alice", "client_msg_id": "m-2", "content": { "text": "hello" } }).to_string();
    assert_eq!(call(&server, &bob, "POST", "/v1/messages", &again).await.error_code(), "AGENT_NOT_FOUND");
    clock.advance(60_000);
    let begin = json!({ "email": "alice@example.com", "handle": "alice" }).to_string();
    let taken = server.request("POST", "/v1/register", &[], begin.as_bytes()).await;
    assert_eq!((taken.status, taken.error_code().as_str()), (409, "HANDLE_TAKEN"));
}

#[store_test]
async fn a_malformed_handle_is_nobody(engine: Engine) {
    let server = TestServer::on(engine).await;
    assert_eq!(server.get("/v1/agents/x").await.error_code(), "AGENT_NOT_FOUND");
    assert_eq!(server.get("/v1/agents/a%20b").await.error_code(), "AGENT_NOT_FOUND");
    let refused = server.request("PUT", "/v1/agents/alice", &[], b"").await;
    assert_eq!((refused.status, refused.error_code().as_str()), (405, "METHOD_NOT_ALLOWED"));
}
