//! What a download's address answers.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{attached, declared, located, put, slot};
use crate::stage::Stage;

const BYTES: &[u8] = b"0123456789";

#[store_test]
async fn bytes_come_with_headers_that_keep_browsers_from_running_them(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let mut body = declared(json!({ "to": "bob" }), "text/markdown", BYTES);
    body["filename"] = json!("Grüße \"1\".md");
    let slot = stage.post("alice", "/v1/uploads", body).await.json();
    let upload = super::path(&stage, slot["upload_url"].as_str().unwrap());
    assert_eq!(put(&stage, &upload, BYTES).await.status, 200);
    let id = slot["attachment_id"].as_str().unwrap();
    let metadata = stage.get("bob", &format!("/v1/attachments/{id}?metadata=1")).await;
    let sha256: String = Sha256::digest(BYTES).iter().map(|byte| format!("{byte:02x}")).collect();
    let declared =
        json!({ "filename": "Grüße \"1\".md", "content_type": "text/markdown", "size": 10, "sha256": sha256 });
    assert_eq!((metadata.status, metadata.json()), (200, declared));

    let answer = stage.server.get(&located(&stage, "bob", id).await).await;
    assert_eq!((answer.status, answer.content.as_slice()), (200, BYTES));
    for (name, value) in [
        ("content-type", "text/markdown"),
        ("content-length", "10"),
        ("content-disposition", "attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%221%22.md"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("accept-ranges", "bytes"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
}

#[store_test]
async fn one_range_is_answered_alone(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let id = attached(&stage, "alice", json!({ "to": "bob" }), BYTES).await;
    let path = located(&stage, "bob", &id).await;
    for (range, status, content, content_range) in [
        ("bytes=0-3", 206, "0123", Some("bytes 0-3/10")),
        ("bytes=4-", 206, "456789", Some("bytes 4-9/10")),
        ("bytes=-2", 206, "89", Some("bytes 8-9/10")),
        ("bytes=5-500", 206, "56789", Some("bytes 5-9/10")),
        ("bytes=0-1,3-4", 200, "0123456789", None),
        ("rows=0-1", 200, "0123456789", None),
    ] {
        let answer = stage.server.request("GET", &path, &[("Range", range)], b"").await;
        assert_eq!((answer.status, answer.body.as_str()), (status, content), "{range}");
        assert_eq!(answer.header("content-range"), content_range, "{range}");
        assert_eq!(answer.header("content-length"), Some(content.len().to_string().as_str()), "{range}");
    }
    let outside = stage.server.request("GET", &path, &[("Range", "bytes=10-")], b"").await;
    assert_eq!(outside.refusal(), (416, "VALIDATION_ERROR".into()));
    assert_eq!(outside.header("content-range"), Some("bytes */10"));
}

#[store_test]
async fn a_head_says_what_a_get_would(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let id = attached(&stage, "alice", json!({ "to": "bob" }), BYTES).await;
    let path = located(&stage, "bob", &id).await;
    let answer = stage.server.request("HEAD", &path, &[], b"").await;
    assert_eq!((answer.status, answer.header("content-length"), answer.content.len()), (200, Some("10"), 0));
    let answer = stage.server.request("HEAD", &path, &[("Range", "bytes=0-3")], b"").await;
    assert_eq!((answer.status, answer.header("content-length"), answer.content.len()), (206, Some("4"), 0));
}

#[store_test]
async fn an_address_works_for_five_minutes_and_for_nothing_else(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let id = attached(&stage, "alice", json!({ "to": "bob" }), BYTES).await;
    let other = attached(&stage, "alice", json!({ "to": "bob" }), BYTES).await;
    let (_, upload) = slot(&stage, "alice", json!({ "to": "bob" }), "text/plain", BYTES).await;
    let path = located(&stage, "bob", &id).await;
    let (at, _) = path.split_once('?').unwrap();
    for forged in [
        at.to_owned(),
        path.replace(&id, &other),
        format!("{path}x"),
        upload.replace("/v1/uploads/", "/v1/attachments/").replace('?', "/content?"),
    ] {
        assert_eq!(stage.server.get(&forged).await.refusal(), (403, "UPLOAD_URL_INVALID".into()), "{forged}");
    }
    // Whatever happens meanwhile: who has the address has the bytes.
    stage.block("bob", "alice").await;
    stage.clock.advance(299_999);
    assert_eq!(stage.server.get(&path).await.status, 200);
    stage.clock.advance(1_001);
    assert_eq!(stage.server.get(&path).await.refusal(), (403, "UPLOAD_URL_INVALID".into()));
}
