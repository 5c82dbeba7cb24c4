//! Group commit: what an operation may do to itself, to its batch and to those who wait.

use std::future::pending;

use agentchat_store::{Store, StoreError, StoreOptions, Tx, Write};
use tokio::task::JoinHandle;

use crate::books::check_sound;
use crate::queue::{Gate, queued};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_beyond_the_queue_are_refused_and_own_work_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { queue: 2, ..StoreOptions::new(folder.path()) };
    let store = Store::open(options).unwrap();
    let pairs = meet(&store).await;
    let gate = Gate::shut(&store).await;
    let waiting = [act(&store, pairs[0], 0, Deed::Succeed), act(&store, pairs[0], 1, Deed::Succeed)];
    queued(&store, 2).await;
    let refused = store.write(say(pairs[0], 2)).await;
    assert!(matches!(refused, Err(NotSaid::Store(StoreError::Busy))), "{refused:?}");
    let own = {
        let (store, say) = (store.clone(), say(pairs[0], 3));
        tokio::spawn(async move { store.write_own(say).await })
    };
    queued(&store, 3).await;
    gate.open().await;
    for answer in waiting {
        assert!(answer.await.unwrap().is_ok());
    }
    assert!(own.await.unwrap().is_ok());
    assert_eq!(store.read(Count { pairs }).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_finishes_what_waits_and_refuses_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let (store, pairs) = open(&folder).await;
    let gate = Gate::shut(&store).await;
    let waiting: Vec<_> = (0..10).map(|number| act(&store, pairs[0], number, Deed::Succeed)).collect();
    queued(&store, 10).await;
    let closing = {
        let store = store.clone();
        tokio::spawn(async move { store.close().await })
    };
    // Refused from the moment the closing began, though the writer still stands at the gate.
    let mut number = 10;
    while let Ok(Ok(_)) = tokio::time::timeout(std::time::Duration::ZERO, store.write(say(pairs[0], number))).await {
        number += 1;
    }
    gate.open().await;
    closing.await.unwrap();
    for answer in waiting {
        assert!(answer.await.unwrap().is_ok());
    }
    let late = store.write(say(pairs[0], 1_000)).await;
    assert!(matches!(late, Err(NotSaid::Store(StoreError::Unavailable(_)))), "{late:?}");
    let late = store.read(Count { pairs }).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    drop(store);
    assert!(!folder.path().join("agentchat.db-wal").exists(), "the log was copied and removed");
    let (store, pairs) = open(&folder).await;
    assert!(store.read(Count { pairs }).await.unwrap() >= 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_whose_caller_left_is_done_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (store, pairs) = open(&folder).await;
    let gate = Gate::shut(&store).await;
    let caller = act(&store, pairs[0], 0, Deed::Succeed);
    queued(&store, 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gate.open().await;
    // The next operation is committed after it.
    assert_eq!(store.write(say(pairs[0], 1)).await.unwrap().seq, 2);
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
