//! Who sees what, and when: answers come in commit order, readers see commits and nothing else.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use agentchat_store::{Read, Store, StoreError, StoreOptions, Tx, Write};
use tokio::task::JoinSet;

use crate::queue::{Gate, queued};
use crate::talk::{Count, Mood, NotSaid, Pair, Say, meet};

async fn open(folder: &tempfile::TempDir) -> (Store, Vec<Pair>) {
    let store = Store::open(StoreOptions::new(folder.path())).expect("a store");
    let pairs = meet(&store).await;
    (store, pairs)
}

fn say(pair: Pair, number: u64) -> Say {
    Say { pair, number, mood: Mood::Sober }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_a_write_runs_in_commit_order() {
    let folder = tempfile::tempdir().unwrap();
    let (store, pairs) = open(&folder).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_a_write_is_done_before_its_caller_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (store, pairs) = open(&folder).await;
    let done = Arc::new(Mutex::new(0));
    for number in 0..50 {
        let seen = Arc::clone(&done);
        store.write_then(say(pairs[0], number), move |_| *seen.lock().unwrap() += 1).await.unwrap();
        assert_eq!(*done.lock().unwrap(), number + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_panics_after_its_write_does_not_silence_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let (store, pairs) = open(&folder).await;
    let gate = Gate::shut(&store).await;
    let panicking = {
        let (store, say) = (store.clone(), say(pairs[0], 0));
        tokio::spawn(async move { store.write_then(say, |_| panic!("as the test wants it")).await })
    };
    queued(&store, 1).await;
    let same_batch = {
        let (store, say) = (store.clone(), say(pairs[0], 1));
        tokio::spawn(async move { store.write(say).await })
    };
    queued(&store, 2).await;
    gate.open().await;
    assert_eq!(panicking.await.unwrap().unwrap().seq, 1);
    assert_eq!(same_batch.await.unwrap().unwrap().seq, 2);
    assert_eq!(store.write(say(pairs[0], 2)).await.unwrap().seq, 3);
}

/// Says something, then stands still inside its transaction.
struct SayAndStay {
    say: Say,
    said: Sender<()>,
    release: Mutex<Receiver<()>>,
}

impl Write for SayAndStay {
    type Out = ();
    type Error = NotSaid;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), NotSaid> {
        self.say.run(tx).await?;
        self.said.send(()).expect("a test that waits");
        self.release.lock().expect("one holder").recv().expect("a test that goes on");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_what_is_committed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (store, pairs) = open(&folder).await;
    let ((said, was_said), (release, released)) = (channel(), channel());
    let stay = SayAndStay { say: say(pairs[0], 0), said, release: Mutex::new(released) };
    let writing = {
        let store = store.clone();
        tokio::spawn(async move { store.write(stay).await })
    };
    tokio::task::spawn_blocking(move || was_said.recv()).await.unwrap().unwrap();
    assert_eq!(store.read(Count { pairs: pairs.clone() }).await.unwrap(), 0);
    release.send(()).unwrap();
    writing.await.unwrap().unwrap();
    assert_eq!(store.read(Count { pairs }).await.unwrap(), 1);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_panics_is_an_internal_error_of_that_read() {
    let folder = tempfile::tempdir().unwrap();
    let (store, pairs) = open(&folder).await;
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
