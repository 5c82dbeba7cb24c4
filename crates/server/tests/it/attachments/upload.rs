//! Slots and the bytes that go into them.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use super::{attached, declared, located, put, slot};
use crate::stage::Stage;

const BYTES: &[u8] = b"what is in the file";

#[store_test]
async fn a_slot_takes_what_was_declared_once_and_again(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let answer = stage.post("alice", "/v1/uploads", declared(json!({ "to": "@Bob" }), "text/plain", BYTES)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let slot = answer.json();
    assert_eq!(slot.as_object().unwrap().len(), 3, "{slot}");
    assert_eq!(slot["expires_in"], 7200);
    let id = slot["attachment_id"].as_str().unwrap();
    assert!(id.starts_with("att_") && id.len() == 30, "{id}");
    let path = super::path(&stage, slot["upload_url"].as_str().unwrap());
    for _ in 0..2 {
        let answer = put(&stage, &path, BYTES).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "ok": true, "attachment_id": id })));
    }
    let other = put(&stage, &path, b"what is in the fine").await;
    assert_eq!((other.refusal(), other.json()["details"].clone()), refused("sha256"));
}

fn refused(field: &str) -> ((u16, String), serde_json::Value) {
    ((400, "ATTACHMENT_MISMATCH".to_owned()), json!({ "field": field }))
}

#[store_test]
async fn other_bytes_leave_the_slot_empty_and_usable(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let (id, path) = slot(&stage, "alice", json!({ "to": "bob" }), "text/plain", BYTES).await;
    let wrong: [(&[u8], &str); 4] = [
        (b"", "size"),
        (b"what is in the fil", "size"),
        (b"what is in the file and more", "size"),
        (b"what is in the fine", "sha256"),
    ];
    for (bytes, field) in wrong {
        let answer = put(&stage, &path, bytes).await;
        assert_eq!((answer.refusal(), answer.json()["details"].clone()), refused(field), "{bytes:?}");
        // Without a length it is found out on the way.
        let answer = stage.server.chunked("PUT", &path, bytes).await;
        assert_eq!((answer.refusal(), answer.json()["details"].clone()), refused(field), "{bytes:?}");
    }
    let missing = stage.get("alice", &format!("/v1/attachments/{id}")).await;
    assert_eq!(missing.refusal(), (404, "NOT_FOUND".into()));
    assert_eq!(stage.server.chunked("PUT", &path, BYTES).await.status, 200);
    located(&stage, "bob", &id).await;
}

#[store_test]
async fn bytes_of_another_type_are_refused(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    for (content_type, bytes) in [
        ("image/png", BYTES),
        ("text/plain", b"caf\xe9"),
        ("application/json", b"{\"a\":}"),
        ("audio/mpeg", b"RIFF\x04\0\0\0WAVE"),
    ] {
        let (_, path) = slot(&stage, "alice", json!({ "to": "bob" }), content_type, bytes).await;
        let answer = put(&stage, &path, bytes).await;
        assert_eq!((answer.refusal(), answer.json()["details"].clone()), refused("content_type"), "{content_type}");
    }
    let json = b" { \"a\" : [ 1 , true ] } ";
    let (_, path) = slot(&stage, "alice", json!({ "to": "bob" }), "application/json", json).await;
    assert_eq!(put(&stage, &path, json).await.status, 200);
}

#[store_test]
async fn an_address_is_for_one_slot_one_purpose_and_two_hours(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let (_, path) = slot(&stage, "alice", json!({ "to": "bob" }), "text/plain", BYTES).await;
    let (other, _) = slot(&stage, "alice", json!({ "to": "bob" }), "text/plain", BYTES).await;
    let (at, query) = path.split_once('?').unwrap();
    let download = located(&stage, "alice", &attached(&stage, "alice", json!({ "to": "bob" }), BYTES).await).await;
    for forged in [
        at.to_owned(),
        format!("{at}?{}", query.replace("expires=1", "expires=2")),
        format!("{path}x"),
        format!("/v1/uploads/{other}?{query}"),
        format!("/v1/uploads/x?{query}"),
        download.replace("/v1/attachments/", "/v1/uploads/").replace("/content", ""),
    ] {
        let answer = put(&stage, &forged, BYTES).await;
        assert_eq!(answer.refusal(), (403, "UPLOAD_URL_INVALID".into()), "{forged}");
    }
    stage.clock.advance(7_199_999);
    assert_eq!(put(&stage, &path, BYTES).await.status, 200);
    stage.clock.advance(1);
    assert_eq!(put(&stage, &path, BYTES).await.refusal(), (403, "UPLOAD_URL_INVALID".into()));
}

#[store_test]
async fn a_key_is_not_needed_and_not_looked_at(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let (id, path) = slot(&stage, "alice", json!({ "to": "bob" }), "text/plain", BYTES).await;
    let headers = [("Authorization", "Bearer nonsense"), ("Idempotency-Key", "!"), ("Content-Type", "image/png")];
    let answer = stage.server.request("PUT", &path, &headers, BYTES).await;
    assert_eq!((answer.status, answer.json()["attachment_id"].as_str().unwrap()), (200, id.as_str()));
}

#[store_test]
async fn a_large_file_arrives_although_json_may_not_be_that_large(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let bytes = b"0123456789abcde\n".repeat(3 * 1024 * 1024 / 16);
    let id = attached(&stage, "alice", json!({ "to": "bob" }), &bytes).await;
    let (_, path) = slot(&stage, "alice", json!({ "to": "bob" }), "text/plain", &bytes).await;
    assert_eq!(stage.server.chunked("PUT", &path, &bytes).await.status, 200);
    let fetched = stage.server.get(&located(&stage, "bob", &id).await).await;
    assert!(fetched.content == bytes);
}

#[store_test]
async fn what_no_attachment_can_be_is_too_large(engine: Engine) {
    let stage =
        Stage::with(engine, &["alice", "bob"], |config| config.limits.set("attachment_bytes=1000").unwrap()).await;
    let (_, path) = slot(&stage, "alice", json!({ "to": "bob" }), "text/plain", BYTES).await;
    let answer = put(&stage, &path, &[b'x'; 1001]).await;
    assert_eq!(answer.refusal(), (413, "PAYLOAD_TOO_LARGE".into()));
    assert_eq!(answer.json()["details"], json!({ "limit": 1000 }));
    let body = declared(json!({ "to": "bob" }), "text/plain", &[b'x'; 1001]);
    let answer = stage.post("alice", "/v1/uploads", body).await;
    assert_eq!(answer.refusal(), (400, "VALIDATION_ERROR".into()));
}

#[store_test]
async fn a_slot_is_asked_for_once_under_an_idempotency_key(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let body = declared(json!({ "to": "bob" }), "text/plain", BYTES).to_string();
    let authorization = format!("Bearer {}", stage.key("alice"));
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", "upload-0001")];
    let first = stage.server.request("POST", "/v1/uploads", &headers, body.as_bytes()).await;
    let again = stage.server.request("POST", "/v1/uploads", &headers, body.as_bytes()).await;
    assert_eq!((first.status, first.body.clone()), (201, again.body.clone()));
    assert_eq!(again.header("idempotent-replay"), Some("true"));
}
