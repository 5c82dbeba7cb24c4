//! Which folders open, and what is said of those that do not.

use agentchat_store::{OpenError, Store, StoreOptions};

fn open(folder: &std::path::Path) -> Result<Store, OpenError> {
    Store::open(StoreOptions::new(folder))
}

#[tokio::test]
async fn a_folder_has_one_owner_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    let second = open(folder.path()).unwrap_err();
    assert!(matches!(second, OpenError::InUse(_)));
    let text = second.to_string();
    assert!(text.contains(&folder.path().display().to_string()) && text.contains("in use"), "{text}");
    first.close().await;
    drop(first);
    open(folder.path()).unwrap();
}

#[tokio::test]
async fn a_missing_folder_is_made_with_those_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("var/lib/agentchat");
    open(&deep).unwrap();
    assert!(deep.join("agentchat.db").is_file());
}

#[tokio::test]
async fn a_file_is_not_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    std::fs::write(&file, "").unwrap();
    let error = open(&file).unwrap_err();
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap().close().await;
    let database = rusqlite::Connection::open(folder.path().join("agentchat.db")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    drop(database);
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::TooNew { found: 999, .. }), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agentchat.db");
    let text = "somebody's diary, which is longer than a header\n".repeat(100);
    std::fs::write(&file, &text).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Database { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}
