//! Operations that are in each other's way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use agentchat_launch::{Postgres, TestDatabase, TestStore};
use agentchat_store::key::AgentKey;
use agentchat_store::{Engine, PostgresOptions, Store, StoreError, Tx, Write};
use tokio::sync::Barrier;

use crate::talk::{Mood, NotSaid, Pair, Said, Say, meet};

/// Takes two inboxes one after the other, the second once all others have their first.
struct Cross {
    inboxes: [AgentKey; 2],
    meeting: Arc<Barrier>,
    runs: Arc<AtomicU32>,
}

impl Write for Cross {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.lock_inboxes(&self.inboxes[..1]);
        tx.inbox(self.inboxes[0]).await?;
        if self.runs.fetch_add(1, Ordering::SeqCst) < 2 {
            self.meeting.wait().await;
        }
        tx.lock_inboxes(&self.inboxes[1..]);
        tx.inbox(self.inboxes[1]).await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_deadlock_ends_and_both_are_done() {
    let test = TestStore::open(Engine::Postgres).await;
    let pairs = meet(&test.store).await;
    let (one, other) = (pairs[0].sender, pairs[0].recipient);
    let (meeting, runs) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
    let cross = |inboxes| test.store.write(Cross { inboxes, meeting: Arc::clone(&meeting), runs: Arc::clone(&runs) });
    let (first, second) = tokio::join!(cross([one, other]), cross([other, one]));
    first.unwrap();
    second.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 3, "the one that gave way was run again");
}

#[tokio::test]
async fn an_operation_that_makes_light_of_errors_is_not_believed() {
    let test = TestStore::open(Engine::Postgres).await;
    let pair = meet(&test.store).await[0];
    say(&test.store, pair, 1, Mood::Sober).await.unwrap();
    // The same number again violates the key of `message`.
    let answer = say(&test.store, pair, 1, Mood::Stubborn).await;
    assert!(matches!(&answer, Err(NotSaid::Store(StoreError::Internal(_)))), "{answer:?}");
    let next = say(&test.store, pair, 2, Mood::Sober).await.unwrap();
    assert_eq!((next.seq, next.position), (2, 2), "nothing of it stayed");
}

async fn say(store: &Store, pair: Pair, number: u64, mood: Mood) -> Result<Said, NotSaid> {
    store.write(Say { pair, number, mood }).await
}

#[tokio::test]
async fn a_lock_that_is_never_let_go_ends_in_a_refusal_that_names_it() {
    let database = TestDatabase::new().await;
    let mut options = PostgresOptions::parse(&database.url()).unwrap();
    options.statement_timeout = Duration::from_millis(300);
    options.wait = Duration::from_millis(300);
    let store = Store::connect(options).await.unwrap();
    let pair = meet(&store).await[0];
    let url = database.url();
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    // Holds the row until its session is ended below.
    let holder = std::thread::spawn(move || {
        Postgres::shared().psql(&name, "BEGIN; SELECT 1 FROM inbox FOR UPDATE; SELECT pg_sleep(3600)")
    });
    let refusal = loop {
        if let Err(NotSaid::Store(refusal)) = say(&store, pair, rand_number(), Mood::Sober).await {
            break refusal;
        }
    };
    assert!(matches!(&refusal, StoreError::Unavailable(text) if text.contains("timeout")), "{refusal:?}");
    Postgres::shared().psql(
        "postgres",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%' AND pid <> pg_backend_pid()",
    );
    assert!(holder.join().is_err(), "its session was ended");
    say(&store, pair, rand_number(), Mood::Sober).await.unwrap();
}

/// A number that was not used before.
fn rand_number() -> u64 {
    static NEXT: AtomicU32 = AtomicU32::new(1000);
    NEXT.fetch_add(1, Ordering::SeqCst).into()
}
