use std::time::{Duration, Instant};

use agentchat_launch::{Engine, Postgres, TestDatabase, TestStore};
use agentchat_store::{StoreError, Tx, Write};
use agentchat_store_test::store_test;

/// Leaves a trace of its own in a store.
struct Block(i64);

impl Write for Block {
    type Out = bool;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        use agentchat_store::key::AgentKey;
        tx.add_block(AgentKey(self.0), AgentKey(self.0 + 1), 1).await
    }
}

#[store_test]
async fn what_was_written_is_there_after_reopening_and_in_no_other_store(engine: Engine) {
    let mut place = TestStore::open(engine).await;
    assert!(place.store.write(Block(1)).await.unwrap(), "a fresh store has no rows");
    place.reopen().await;
    assert!(!place.store.write(Block(1)).await.unwrap(), "reopening keeps them");
    let other = TestStore::open(engine).await;
    assert!(other.store.write(Block(1)).await.unwrap(), "no row is shared");
}

#[tokio::test]
async fn a_dropped_database_is_removed() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let name = url.split(['/', '?']).nth(3).expect("a name");
    let postgres = Postgres::shared();
    let count = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(postgres.psql("postgres", &count), "1\n");
    drop(database);
    let deadline = Instant::now() + Duration::from_secs(30);
    while postgres.psql("postgres", &count) != "0\n" {
        assert!(Instant::now() < deadline, "{name} is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
