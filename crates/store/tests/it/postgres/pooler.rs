//! A pooler that gives every transaction another connection.

use agentchat_launch::{Pooler, Postgres, TestDatabase};
use agentchat_store::{PostgresOptions, Store};

use crate::talk::{Count, Mood, Say, meet};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_kept_in_a_session() {
    let database = TestDatabase::new().await;
    let pooler = tokio::task::spawn_blocking(|| Pooler::before(Postgres::shared())).await.unwrap();
    let url = format!("{}?connections=8&pooler=transaction", pooler.url(database.name()));
    let store = Store::connect(PostgresOptions::parse(&url).unwrap()).await.unwrap();
    let pairs = meet(&store).await;
    let mut talks = tokio::task::JoinSet::new();
    for pair in pairs.clone() {
        let store = store.clone();
        talks.spawn(async move {
            for number in 0..25 {
                let number = number * 1000 + pair.sender.0.unsigned_abs();
                store.write(Say { pair, number, mood: Mood::Sober }).await.unwrap();
            }
        });
    }
    talks.join_all().await;
    let count = store.read(Count { pairs: pairs.clone() }).await.unwrap();
    assert_eq!(count, 25 * pairs.len() as i64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_was_not_told_of_is_refused_at_the_start() {
    let database = TestDatabase::new().await;
    let pooler = tokio::task::spawn_blocking(|| Pooler::before(Postgres::shared())).await.unwrap();
    let options = PostgresOptions::parse(&pooler.url(database.name())).unwrap();
    let error = Store::connect(options).await.unwrap_err().to_string();
    assert!(error.contains("add pooler=transaction to the URL"), "{error}");
}
