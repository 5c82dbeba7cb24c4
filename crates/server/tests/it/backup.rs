//! `POST /admin/backup`, and the folder it makes. That it holds what was acknowledged is shown with real processes.

use agentchat_server::backup::{Restore, RestoreError};
use agentchat_server::{Secret, Server};
use agentchat_store::Engine;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::accounts::call;
use crate::client::{Answer, Home};
use crate::stage::Stage;

const TOKEN: &str = "operator-token-0123456789-0123456789";

async fn stage(engine: Engine) -> Stage {
    Stage::with(engine, &["alice", "bob"], |config| config.admin_token = Some(Secret::new(TOKEN))).await
}

async fn back_up(stage: &Stage, name: Value) -> Answer {
    call(&stage.server, TOKEN, "POST", "/admin/backup", &json!({ "name": name }).to_string()).await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_backup_is_a_folder_that_becomes_a_server() {
    let stage = stage(Engine::Sqlite).await;
    stage.say("alice", "bob", "before").await;
    let made = back_up(&stage, json!("before-1")).await;
    assert_eq!(made.status, 200, "{made:?}");
    let made = made.json();
    stage.say("bob", "alice", "after").await;
    let file = stage.server.home.folder.path().join("backups/before-1/agentchat.db");
    assert_eq!(made["file"], file.to_str().unwrap());
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(made["bytes"], bytes.len());
    assert_eq!(made["sha256"], hex(&Sha256::digest(&bytes)));
    let mut names: Vec<_> = std::fs::read_dir(file.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["SHA256SUMS", "agentchat.db", "objects.txt"]);
    assert_eq!(std::fs::read_dir(file.ancestors().nth(2).unwrap()).unwrap().count(), 1, "nothing half-done is left");

    let home = Home::new(Engine::Sqlite).await;
    let folder = home.folder.path().join("restored");
    let restored = Restore::new(file.parent().unwrap(), &folder).run().unwrap();
    assert_eq!((restored.messages, restored.objects), (1, vec![]));
    let mut config = home.config();
    config.data_dir = folder;
    let server = crate::client::TestServer { running: Server::start(config).await.unwrap(), home };
    let waiting = call(&server, stage.key("bob"), "GET", "/v1/messages/sync", "").await.rows();
    assert_eq!(waiting.iter().map(|row| row["content"]["text"].as_str().unwrap()).collect::<Vec<_>>(), ["before"]);
    let body = json!({ "to": "alice", "client_msg_id": "b", "content": { "text": "goes on" } }).to_string();
    let sent = call(&server, stage.key("bob"), "POST", "/v1/messages", &body).await;
    assert_eq!((sent.status, sent.json()["seq"].as_i64()), (201, Some(2)));
}

#[tokio::test]
async fn names_are_checked_and_taken_once() {
    let stage = stage(Engine::Sqlite).await;
    for name in
        [json!(null), json!(""), json!("A"), json!("a/b"), json!(".."), json!("a.b"), json!("a".repeat(65)), json!(7)]
    {
        let refused = back_up(&stage, name.clone()).await;
        assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR".into()), "{name}");
        assert!(refused.json()["details"]["fieldErrors"]["name"][0].is_string(), "{refused:?}");
    }
    assert_eq!(back_up(&stage, json!("a".repeat(64))).await.status, 200);
    let refused = back_up(&stage, json!("a".repeat(64))).await;
    assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR".into()));
    assert_eq!(refused.json()["details"]["fieldErrors"]["name"], json!(["there is a backup of that name"]));
    // What a killed server left of one is no backup.
    std::fs::create_dir(stage.server.home.folder.path().join("backups/.half.partial")).unwrap();
    assert_eq!(back_up(&stage, json!("half")).await.status, 200);
    let wrong = call(&stage.server, "wrong", "POST", "/admin/backup", "{}").await;
    assert_eq!(wrong.refusal(), (401, "OPS_AUTH_REQUIRED".into()));
}

#[tokio::test]
async fn a_shared_database_is_backed_up_by_its_own_means() {
    let stage = stage(Engine::Postgres).await;
    let refused = back_up(&stage, json!("a")).await;
    assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR".into()));
    let form = refused.json()["details"]["formErrors"][0].as_str().unwrap().to_owned();
    assert!(form.contains("pg_dump"), "{form}");
}

#[tokio::test]
async fn only_a_sound_backup_goes_into_an_empty_folder() {
    let stage = stage(Engine::Sqlite).await;
    stage.say("alice", "bob", "hello").await;
    assert_eq!(back_up(&stage, json!("one")).await.status, 200);
    let data = stage.server.home.folder.path().to_owned();
    let backup = data.join("backups/one");
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("to");
    let restore = |from: &std::path::Path| Restore::new(from, &to).run().unwrap_err();

    assert!(matches!(Restore::new(&backup, &data).run().unwrap_err(), RestoreError::Folder(_)), "a server runs there");
    assert!(matches!(restore(&data.join("agentchat.db")), RestoreError::HasLog(_)));
    assert!(matches!(restore(&data.join("nothing")), RestoreError::Source { .. }));
    let other = folder.path().join("other.db");
    std::fs::write(&other, "no database").unwrap();
    assert!(matches!(restore(&other), RestoreError::Damaged { .. }));
    let newer = folder.path().join("newer.db");
    let mut bytes = std::fs::read(backup.join("agentchat.db")).unwrap();
    // Where SQLite keeps `user_version`.
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    std::fs::write(&newer, &bytes).unwrap();
    assert!(matches!(restore(&newer), RestoreError::TooNew { found: 9_999, .. }));

    // A bit that fell over.
    let mut bytes = std::fs::read(backup.join("agentchat.db")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::write(copy.join("agentchat.db"), &bytes).unwrap();
    std::fs::copy(backup.join("SHA256SUMS"), copy.join("SHA256SUMS")).unwrap();
    assert!(matches!(restore(&copy), RestoreError::Sum(_)));

    assert!(!to.join("agentchat.db").exists() && !to.join("agentchat.db.restoring").exists());
    Restore::new(&backup, &to).run().unwrap();
    assert!(matches!(restore(&backup), RestoreError::Occupied(_)));
}
