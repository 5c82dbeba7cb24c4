//! When the object store fails, and what is cleared away.

use std::path::Path;

use agentchat_server::Config;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use super::{attached, declared, located, put, slot};
use crate::stage::Stage;

const BYTES: &[u8] = b"what is in the file";

/// A file where the folder was: nobody can write below it, whoever runs the server.
fn lose(folder: &Path) {
    std::fs::rename(folder, folder.with_extension("away")).unwrap();
    std::fs::write(folder, "").unwrap();
}

fn find(folder: &Path) {
    std::fs::remove_file(folder).unwrap();
    std::fs::rename(folder.with_extension("away"), folder).unwrap();
}

async fn storage(stage: &Stage) -> (u16, serde_json::Value) {
    let ready = stage.server.get("/v1/ready").await;
    (ready.status, ready.json()["checks"]["storage"].clone())
}

#[store_test]
async fn a_failing_store_refuses_files_and_nothing_else(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let folder = stage.server.home.folder.path().join("objects");
    let id = attached(&stage, "alice", json!({ "to": "bob" }), BYTES).await;
    let (_, upload) = slot(&stage, "alice", json!({ "to": "bob" }), "text/plain", BYTES).await;
    let download = located(&stage, "bob", &id).await;
    assert_eq!(storage(&stage).await, (200, json!("ok")));
    lose(&folder);
    assert_eq!(storage(&stage).await, (200, json!("degraded")));
    let failing = [
        stage.post("alice", "/v1/uploads", declared(json!({ "to": "bob" }), "text/plain", BYTES)).await,
        put(&stage, &upload, BYTES).await,
        stage.get("bob", &format!("/v1/attachments/{id}")).await,
        stage.server.get(&download).await,
    ];
    for answer in &failing {
        assert_eq!(answer.refusal(), (503, "STORAGE_UNAVAILABLE".into()));
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
    }
    // What the bytes are is said before that they cannot be kept.
    let wrong = put(&stage, &upload, b"what is in the fine").await;
    assert_eq!(wrong.refusal(), (400, "ATTACHMENT_MISMATCH".into()));
    stage.say("alice", "bob", "files or not").await;
    find(&folder);
    assert_eq!(storage(&stage).await, (200, json!("ok")));
    assert_eq!(put(&stage, &upload, BYTES).await.status, 200);
    assert_eq!(stage.server.get(&download).await.content, BYTES);
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_degrades_the_server() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = |config: &mut Config| {
        config.objects = format!("s3://bytes?endpoint=http://{closed}&region=eu-1").parse().unwrap();
    };
    let stage = Stage::with(Engine::Sqlite, &["alice", "bob"], place).await;
    assert_eq!(storage(&stage).await, (200, json!("degraded")));
    let refused = stage.post("alice", "/v1/uploads", declared(json!({ "to": "bob" }), "text/plain", BYTES)).await;
    assert_eq!(refused.refusal(), (503, "STORAGE_UNAVAILABLE".into()));
}

#[store_test]
async fn an_upload_that_breaks_off_leaves_nothing(engine: Engine) {
    use tokio::io::AsyncWriteExt;
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let bytes = b"0123456789abcde\n".repeat(4 * 1024 * 1024 / 16);
    let (id, path) = slot(&stage, "alice", json!({ "to": "bob" }), "text/plain", &bytes).await;
    let mut stream = tokio::net::TcpStream::connect(stage.server.running.addr()).await.unwrap();
    let head = format!("PUT {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n", bytes.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&bytes[..3 * 1024 * 1024]).await.unwrap();
    let folder = stage.server.home.folder.path().join("objects/attachments");
    until(|| std::fs::read_dir(&folder).is_ok_and(|entries| entries.count() > 0)).await;
    drop(stream);
    until(|| std::fs::read_dir(&folder).unwrap().count() == 0).await;
    assert_eq!(stage.get("alice", &format!("/v1/attachments/{id}")).await.status, 404);
    assert_eq!(put(&stage, &path, &bytes).await.status, 200);
}

pub(super) async fn until(condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "it does not come true");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
