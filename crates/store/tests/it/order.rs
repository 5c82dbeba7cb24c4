//! Who sees what, and when: answers come in commit order, readers see commits and nothing else.

use std::sync::{Arc, Mutex};

use agentchat_launch::TestStore;
use agentchat_store::{Engine, Read, StoreError, Tx};
use agentchat_store_test::store_test;
use tokio::task::JoinSet;

use crate::queue::{Gate, queued};
use crate::stay::Stay;
use crate::talk::{Count, Mood, NotSaid, Pair, Say, meet};

async fn open(engine: Engine) -> (TestStore, Vec<Pair>) {
    let place = TestStore::open(engine).await;
    let pairs = meet(&place.store).await;
    (place, pairs)
}

fn say(pair: Pair, number: u64) -> Say {
    Say { pair, number, mood: Mood::Sober }
}

/// On PostgreSQL no node sees all commits; who is shown what rests on positions there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_a_write_runs_in_commit_order_of_the_writer() {
    let (place, pairs) = open(Engine::Sqlite).await;
    let store = &place.store;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut writers = JoinSet::new();
    for writer in 0..64 {
        let (store, seen, pair) = (store.clone(), Arc::clone(&seen), pairs[0]);
        writers.spawn(async move {
            for turn in 0..8 {
                let seen = Arc::clone(&seen);
                let then = move |answer: &Result<_, NotSaid>| {
                    seen.lock().unwrap().push(answer.as_ref().map(|said: &crate::talk::Said| said.seq).unwrap_or(-1));
                };
                store.write_then(say(pair, writer * 8 + turn), then).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    assert_eq!(*seen.lock().unwrap(), (1..=512).collect::<Vec<i64>>());
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_a_write_is_done_before_its_caller_goes_on(engine: Engine) {
    let (place, pairs) = open(engine).await;
    let done = Arc::new(Mutex::new(0));
    for number in 0..50 {
        let seen = Arc::clone(&done);
        place.store.write_then(say(pairs[0], number), move |_| *seen.lock().unwrap() += 1).await.unwrap();
        assert_eq!(*done.lock().unwrap(), number + 1);
    }
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_panics_after_its_write_has_written(engine: Engine) {
    let (place, pairs) = open(engine).await;
    let panicking = place.store.write_then(say(pairs[0], 0), |_| panic!("as the test wants it"));
    assert_eq!(panicking.await.unwrap().seq, 1);
    assert_eq!(place.store.write(say(pairs[0], 1)).await.unwrap().seq, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_panics_after_its_write_does_not_silence_its_batch() {
    let (place, pairs) = open(Engine::Sqlite).await;
    let store = &place.store;
    let gate = Gate::shut(store).await;
    let panicking = {
        let (store, say) = (store.clone(), say(pairs[0], 0));
        tokio::spawn(async move { store.write_then(say, |_| panic!("as the test wants it")).await })
    };
    queued(store, 1).await;
    let same_batch = {
        let (store, say) = (store.clone(), say(pairs[0], 1));
        tokio::spawn(async move { store.write(say).await })
    };
    queued(store, 2).await;
    gate.open().await;
    assert_eq!(panicking.await.unwrap().unwrap().seq, 1);
    assert_eq!(same_batch.await.unwrap().unwrap().seq, 2);
    assert_eq!(store.write(say(pairs[0], 2)).await.unwrap().seq, 3);
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_what_is_committed_and_nothing_else(engine: Engine) {
    let (place, pairs) = open(engine).await;
    let stay = Stay::after(&place.store, say(pairs[0], 0)).await;
    assert_eq!(place.store.read(Count { pairs: pairs.clone() }).await.unwrap(), 0);
    stay.end().await;
    assert_eq!(place.store.read(Count { pairs }).await.unwrap(), 1);
}

struct PanickingRead;

impl Read for PanickingRead {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.count_agents().await?;
        panic!("as the test wants it");
    }
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_panics_is_an_internal_error_of_that_read(engine: Engine) {
    let (place, pairs) = open(engine).await;
    let store = &place.store;
    for _ in 0..4 {
        let answer = store.read(PanickingRead).await;
        assert!(matches!(answer, Err(StoreError::Internal(_))), "{answer:?}");
    }
    store.write(say(pairs[0], 0)).await.unwrap();
    // Every reader lets its snapshot go.
    for _ in 0..4 {
        assert_eq!(store.read(Count { pairs: pairs.clone() }).await.unwrap(), 1);
    }
}
