//! A pooler that gives every transaction another connection.

use agentchat_launch::TestDatabase;
use agentchat_store::{PostgresOptions, Store};

use crate::talk::{Count, Mood, Say, meet};

#[tokio::test]
async fn nothing_is_kept_in_a_session() {
    let database = TestDatabase::new().await;
    let url = format!("{}&pooler=transaction", database.url());
    let store = Store::connect(PostgresOptions::parse(&url).unwrap()).await.unwrap();
    let pairs = meet(&store).await;
    for number in 0..10 {
        for pair in &pairs {
            let number = number * 100 + pair.sender.0.unsigned_abs();
            store.write(Say { pair: *pair, number, mood: Mood::Sober }).await.unwrap();
        }
    }
    let count = store.read(Count { pairs: pairs.clone() }).await.unwrap();
    assert_eq!(count, 10 * pairs.len() as i64);
    let sessions = agentchat_launch::Postgres::shared().psql(
        database.name(),
        "SELECT COUNT(*) FROM pg_stat_activity a WHERE datname = current_database() AND pid <> pg_backend_pid() \
         AND query LIKE 'PREPARE%'",
    );
    assert_eq!(sessions.trim(), "0");
}
