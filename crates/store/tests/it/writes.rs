//! What an operation may do to itself, to its batch (on SQLite) and to those who wait.

use std::future::pending;
use std::time::{Duration, Instant};

use agentchat_launch::{TestDatabase, TestStore};
use agentchat_store::{Engine, PostgresOptions, Store, StoreError, StoreOptions, Tx, Write};
use agentchat_store_test::store_test;
use tokio::task::JoinHandle;

use crate::books::check_sound;
use crate::queue::{Gate, queued};
use crate::stay::{Stay, begin};
use crate::talk::{Count, Mood, NotSaid, Pair, Said, Say, meet};

/// What an operation does after its last statement.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Succeed,
    Fail,
    Panic,
    WaitForSomethingElse,
}

struct Act {
    say: Say,
    deed: Deed,
}

impl Write for Act {
    type Out = Said;
    type Error = NotSaid;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Said, NotSaid> {
        let said = self.say.run(tx).await?;
        match self.deed {
            Deed::Succeed => Ok(said),
            Deed::Fail => Err(NotSaid::Regret),
            Deed::Panic => panic!("as the test wants it"),
            Deed::WaitForSomethingElse => pending().await,
        }
    }
}

fn say(pair: Pair, number: u64) -> Say {
    Say { pair, number, mood: Mood::Sober }
}

fn act(store: &Store, pair: Pair, number: u64, deed: Deed) -> JoinHandle<Result<Said, NotSaid>> {
    let (store, act) = (store.clone(), Act { say: say(pair, number), deed });
    tokio::spawn(async move { store.write(act).await })
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_leaves_nothing_behind(engine: Engine) {
    let place = TestStore::open(engine).await;
    let pairs = meet(&place.store).await;
    let deeds = [Deed::Succeed, Deed::Fail, Deed::Panic, Deed::Succeed];
    let mut answers = Vec::new();
    for (number, deed) in (0..).zip(deeds) {
        answers.push(act(&place.store, pairs[0], number, deed).await.expect("no panic gets out"));
    }
    assert!(matches!(answers[0], Ok(Said { seq: 1, position: 1 })), "{:?}", answers[0]);
    assert!(matches!(answers[1], Err(NotSaid::Regret)), "{:?}", answers[1]);
    assert!(matches!(answers[2], Err(NotSaid::Store(StoreError::Internal(_)))), "{:?}", answers[2]);
    assert!(matches!(answers[3], Ok(Said { seq: 2, position: 2 })), "{:?}", answers[3]);
    assert_eq!(place.store.read(Count { pairs }).await.unwrap(), 2);
}

async fn open(folder: &tempfile::TempDir) -> (Store, Vec<Pair>) {
    let store = Store::open(StoreOptions::new(folder.path())).expect("a store");
    let pairs = meet(&store).await;
    (store, pairs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_its_own_operations_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (store, pairs) = open(&folder).await;
    let gate = Gate::shut(&store).await;
    let commits = store.stats().commits;
    let mut waiting = Vec::new();
    for (number, deed) in
        [Deed::Succeed, Deed::Fail, Deed::Panic, Deed::WaitForSomethingElse, Deed::Succeed].into_iter().enumerate()
    {
        waiting.push(act(&store, pairs[0], number as u64, deed));
        queued(&store, number + 1).await;
    }
    gate.open().await;
    let mut answers = Vec::new();
    for answer in waiting {
        answers.push(answer.await.expect("no panic gets out"));
    }
    assert_eq!(store.stats().commits, commits + 2, "the gate's and one for all");
    assert!(matches!(answers[0], Ok(Said { seq: 1, position: 1 })), "{:?}", answers[0]);
    assert!(matches!(answers[1], Err(NotSaid::Regret)), "{:?}", answers[1]);
    assert!(matches!(answers[2], Err(NotSaid::Store(StoreError::Internal(_)))), "{:?}", answers[2]);
    assert!(matches!(answers[3], Err(NotSaid::Store(StoreError::Internal(_)))), "{:?}", answers[3]);
    assert!(matches!(answers[4], Ok(Said { seq: 2, position: 2 })), "{:?}", answers[4]);
    assert_eq!(store.read(Count { pairs }).await.unwrap(), 2);
    store.close().await;
    check_sound(&rusqlite::Connection::open(folder.path().join("agentchat.db")).unwrap(), "after the batch");
}

/// A store where two callers may wait, and what must outlive it.
async fn narrow(engine: Engine) -> (Store, Box<dyn Send>) {
    match engine {
        Engine::Sqlite => {
            let folder = tempfile::tempdir().unwrap();
            let options = StoreOptions { queue: 2, ..StoreOptions::new(folder.path()) };
            (Store::open(options).unwrap(), Box::new(folder))
        }
        Engine::Postgres => {
            let database = TestDatabase::new().await;
            let mut options = PostgresOptions::parse(&database.url()).unwrap();
            options.queue = 2;
            (Store::connect(options).await.unwrap(), Box::new(database))
        }
    }
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_beyond_the_queue_are_refused_and_own_work_is_not(engine: Engine) {
    let (store, _place) = narrow(engine).await;
    let pairs = meet(&store).await;
    let stay = Stay::after(&store, say(pairs[0], 0)).await;
    let mut waiting = [Box::pin(store.write(say(pairs[0], 1))), Box::pin(store.write(say(pairs[0], 2)))];
    for caller in &mut waiting {
        begin(caller).await;
    }
    let refused = store.write(say(pairs[0], 3)).await;
    assert!(matches!(refused, Err(NotSaid::Store(StoreError::Busy))), "{refused:?}");
    let mut own = Box::pin(store.write_own(say(pairs[0], 4)));
    begin(&mut own).await;
    stay.end().await;
    for caller in waiting {
        caller.await.unwrap();
    }
    own.await.unwrap();
    assert_eq!(store.read(Count { pairs }).await.unwrap(), 4);
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_finishes_what_waits_and_refuses_what_comes(engine: Engine) {
    let mut place = TestStore::open(engine).await;
    let pairs = meet(&place.store).await;
    let store = place.store.clone();
    let stay = Stay::after(&store, say(pairs[0], 0)).await;
    let mut waiting: Vec<_> = (1..=10).map(|number| Box::pin(store.write(say(pairs[0], number)))).collect();
    for caller in &mut waiting {
        begin(caller).await;
    }
    let mut closing = Box::pin(store.close());
    begin(&mut closing).await;
    // Refused from the moment the closing began, though there is work left.
    let late = store.write(say(pairs[0], 11)).await;
    assert!(matches!(late, Err(NotSaid::Store(StoreError::Unavailable(_)))), "{late:?}");
    stay.end().await;
    closing.await;
    for caller in waiting {
        caller.await.unwrap();
    }
    let late = store.read(Count { pairs: pairs.clone() }).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    place.reopen().await;
    assert_eq!(place.store.read(Count { pairs }).await.unwrap(), 11);
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_whose_caller_left_is_done_all_the_same(engine: Engine) {
    let place = TestStore::open(engine).await;
    let pairs = meet(&place.store).await;
    let stay = Stay::after(&place.store, say(pairs[0], 0)).await;
    let mut caller = Box::pin(place.store.write(say(pairs[0], 1)));
    begin(&mut caller).await;
    drop(caller);
    stay.end().await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while place.store.read(Count { pairs: pairs.clone() }).await.unwrap() < 2 {
        assert!(Instant::now() < deadline, "it was never done");
    }
    assert_eq!(place.store.write(say(pairs[0], 2)).await.unwrap().seq, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_copies_the_log_and_removes_it() {
    let folder = tempfile::tempdir().unwrap();
    let (store, pairs) = open(&folder).await;
    store.write(say(pairs[0], 0)).await.unwrap();
    store.close().await;
    assert!(!folder.path().join("agentchat.db-wal").exists());
    drop(store);
    let (store, pairs) = open(&folder).await;
    assert_eq!(store.read(Count { pairs }).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_dropped_without_being_closed_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (store, pairs) = open(&folder).await;
    for number in 0..5 {
        store.write(say(pairs[0], number)).await.unwrap();
    }
    tokio::task::spawn_blocking(move || drop(store)).await.unwrap();
    let (store, pairs) = open(&folder).await;
    assert_eq!(store.read(Count { pairs }).await.unwrap(), 5);
}
