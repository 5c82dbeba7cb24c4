//! Errors that tell what to do, and never a password.

use std::time::Duration;

use agentchat_launch::{Postgres, TestDatabase};
use agentchat_store::{OpenError, PostgresOptions, Store};

fn refused(url: &str) -> String {
    PostgresOptions::parse(url).map(|options| options.target()).unwrap_err().to_string()
}

#[test]
fn urls_that_cannot_be_used_say_why() {
    assert_eq!(refused("postgres://u@h/d?connections=1"), "PostgreSQL: connections=1: expected 2 to 1000");
    assert_eq!(refused("postgres://u@h/d?pooler=session"), "PostgreSQL: pooler=session: expected transaction");
    assert_eq!(
        refused("postgres://u@h/d?sslmode=verify-ca"),
        "PostgreSQL: sslmode=verify-ca: expected disable, prefer, require or verify-full"
    );
    assert_eq!(refused("postgres:///d"), "PostgreSQL: no host: expected postgres://user@host:port/database");
    for url in ["postgres://u:hunter2@h/d?connections=x", "postgres://u:hunter2@h:port/d", "mysql://u:hunter2@h/d"] {
        assert!(!refused(url).contains("hunter2"), "{}", refused(url));
    }
}

#[test]
fn options_do_not_show_the_password() {
    let options = PostgresOptions::parse("postgres://ann:hunter2@db.example.com/chat").unwrap();
    assert_eq!(options.target(), "db.example.com:5432/chat");
    assert!(!format!("{options:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut options = PostgresOptions::parse(&format!("postgres://ann:hunter2@{free}/chat")).unwrap();
    options.connect_within = Duration::from_millis(10);
    let error = Store::connect(options).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot use the database {free}/chat: ")), "{error}");
    assert!(error.contains("refused") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_at_once() {
    let options = PostgresOptions::parse(&Postgres::shared().url("nobody_made_it")).unwrap();
    let error = Store::connect(options).await.unwrap_err().to_string();
    assert!(error.contains("database \"nobody_made_it\" does not exist (3D000)"), "{error}");
}

#[tokio::test]
async fn a_schema_that_leaves_this_program_behind_is_refused() {
    let database = TestDatabase::new().await;
    let ahead = |works_since: i64| {
        let sql = format!("INSERT INTO migration (number, works_since) VALUES (1000 + {works_since}, {works_since})");
        Postgres::shared().psql(database.name(), &sql)
    };
    ahead(1);
    let options = || PostgresOptions::parse(&database.url()).unwrap();
    Store::connect(options()).await.expect("an addition does not shut older programs out").close().await;
    ahead(1000);
    let error = Store::connect(options()).await.unwrap_err();
    assert!(matches!(error, OpenError::TooNew { found: 2000, .. }), "{error}");
}
