//! The index of words through crashes, and when its file is lost, damaged or somebody else's.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use agentchat_launch::TestStore;
use agentchat_store::key::MessageKey;
use agentchat_store::search::{Asked, BATCH, Indexed, Lookup, Place};
use agentchat_store::{Engine, Store, StoreOptions, Tx, Write};
use agentchat_store_test::store_test;
use rusqlite::Connection;

use crate::talk::{Meet, Mood, NotSaid, Pair, Say};

/// More than one batch.
const MANY: u64 = BATCH as u64 + 88;

/// All of it in one transaction.
struct Flood {
    pair: Pair,
    numbers: Range<u64>,
}

impl Write for Flood {
    type Out = ();
    type Error = NotSaid;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), NotSaid> {
        for number in self.numbers.clone() {
            Say { pair: self.pair, number, mood: Mood::Sober }.run(tx).await?;
        }
        Ok(())
    }
}

async fn say(store: &Store, numbers: Range<u64>) -> Pair {
    let pair = store.write(Meet { pair: 0 }).await.expect("a pair");
    store.write(Flood { pair, numbers }).await.expect("said");
    pair
}

async fn found(store: &Store, pair: Pair) -> Vec<i64> {
    let words = vec![Asked { word: "message".into(), prefix: false }];
    let places = vec![Place::DirectOf(pair.recipient)];
    let (above, below) = (MessageKey(0), MessageKey(i64::MAX));
    let lookup = Lookup { words, without: Vec::new(), places, sender: Some(pair.sender), above, below, limit: 10_000 };
    store.look_up(lookup).await.expect("an answer").into_iter().map(|key| key.0).collect()
}

async fn index(store: &Store) {
    // What another took and dropped is nobody's for a moment.
    while store.unindexed().await.expect("a count") > 0 {
        store.index_some().await.expect("the index takes messages in");
    }
}

/// A folder's messages have the keys from 1 on.
fn all(count: u64) -> Vec<i64> {
    (1..=count as i64).rev().collect()
}

fn open(folder: &Path) -> Store {
    // What is copied from under it shall not move meanwhile.
    let checkpoint_every = Duration::from_secs(3600);
    Store::open(StoreOptions { checkpoint_every, ..StoreOptions::new(folder) }).expect("the folder opens")
}

/// The files as a process that is killed now leaves them.
fn leave(folder: &Path) -> tempfile::TempDir {
    let left = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry")) {
        if entry.file_type().expect("a type").is_file() && !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), left.path().join(entry.file_name())).expect("a copy");
        }
    }
    left
}

#[store_test]
async fn work_goes_on_where_it_was_left(engine: Engine) {
    let mut place = TestStore::open(engine).await;
    let pair = say(&place.store, 0..MANY).await;
    let first = Indexed { messages: BATCH, more: true };
    assert_eq!(place.store.index_some().await.expect("a batch"), first);
    place.reopen().await;
    assert_eq!(found(&place.store, pair).await.len(), BATCH);
    assert_eq!(place.store.unindexed().await.expect("a count"), MANY - BATCH as u64);
    let rest = Indexed { messages: MANY as usize - BATCH, more: false };
    assert_eq!(place.store.index_some().await.expect("the rest"), rest);
    let mut keys = found(&place.store, pair).await;
    assert!(keys.is_sorted_by(|one, next| one > next), "newest first, none twice");
    keys.dedup();
    assert_eq!(keys.len() as u64, MANY);
}

/// Callers beside each other, as nodes are that share a database, and one that gives up in the middle.
#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn who_indexes_at_once_takes_nothing_twice(engine: Engine) {
    let place = TestStore::open(engine).await;
    let pair = say(&place.store, 0..MANY).await;
    // Polled, and then dropped.
    let _ = tokio::time::timeout(Duration::ZERO, place.store.index_some()).await;
    let (one, other) = tokio::join!(place.store.index_some(), place.store.index_some());
    one.and(other).expect("both go on");
    index(&place.store).await;
    assert_eq!(found(&place.store, pair).await.len() as u64, MANY);
}

#[tokio::test]
async fn a_kill_between_two_batches_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let pair = say(&store, 0..MANY).await;
    for batches in 0..3 {
        let left = leave(folder.path());
        let after = open(left.path());
        let there = MANY.min(batches * BATCH as u64);
        assert_eq!(found(&after, pair).await, all(there));
        index(&after).await;
        assert_eq!(found(&after, pair).await, all(MANY), "killed after {batches} batches");
        after.close().await;
        store.index_some().await.unwrap();
    }
    store.close().await;
}

#[tokio::test]
async fn what_a_power_cut_took_of_the_index_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let pair = say(&store, 0..300).await;
    index(&store).await;
    let earlier = leave(folder.path());
    say(&store, 300..MANY).await;
    index(&store).await;
    let left = leave(folder.path());
    store.close().await;
    for name in ["search.db", "search.db-wal"] {
        std::fs::copy(earlier.path().join(name), left.path().join(name)).unwrap();
    }
    let after = open(left.path());
    assert_eq!(found(&after, pair).await, all(300));
    index(&after).await;
    assert_eq!(found(&after, pair).await, all(MANY));
}

#[tokio::test]
async fn an_index_that_is_no_good_is_made_anew() {
    let (folder, foreign) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(foreign.path());
    say(&store, 10_000..10_000 + MANY + 50).await;
    index(&store).await;
    store.close().await;
    let store = open(folder.path());
    let pair = say(&store, 0..MANY).await;
    index(&store).await;
    store.close().await;
    let file = folder.path().join("search.db");
    let sound = std::fs::read(&file).unwrap();
    let of_another_version = {
        Connection::open(&file).unwrap().pragma_update(None, "user_version", 999).unwrap();
        std::fs::read(&file).unwrap()
    };
    let mut without_pages = sound.clone();
    without_pages[4096..].fill(0xa5);
    let cases: [(&str, Option<Vec<u8>>); 6] = [
        ("missing", None),
        ("no database", Some(b"this is no database".repeat(1000))),
        ("empty", Some(Vec::new())),
        ("of pages that are not", Some(without_pages)),
        ("of another version", Some(of_another_version)),
        ("of another database", Some(std::fs::read(foreign.path().join("search.db")).unwrap())),
    ];
    for (what, bytes) in cases {
        match bytes {
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let store = open(folder.path());
        // The first look may be what finds it out.
        let first = store.index_some().await;
        assert!(first.is_ok() || what == "of pages that are not", "{what}: {first:?}");
        index(&store).await;
        assert_eq!(found(&store, pair).await, all(MANY), "{what}");
        store.close().await;
    }
}

/// Damage that only a question comes upon.
#[tokio::test]
async fn damage_that_a_question_finds_is_mended_by_the_next_message() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let pair = say(&store, 0..MANY).await;
    index(&store).await;
    store.close().await;
    let file = folder.path().join("search.db");
    Connection::open(&file).unwrap().execute("UPDATE word_data SET block = zeroblob(8) WHERE id > 10", []).unwrap();
    let store = open(folder.path());
    let place = vec![Place::DirectOf(pair.sender)];
    let words = vec![Asked { word: "message".into(), prefix: false }];
    let (above, below, without) = (MessageKey(0), MessageKey(i64::MAX), Vec::new());
    let lookup = Lookup { words, without, places: place, sender: None, above, below, limit: 9 };
    store.look_up(lookup).await.expect_err("what is damaged does not answer");
    say(&store, MANY..MANY + 1).await;
    index(&store).await;
    assert_eq!(found(&store, pair).await, all(MANY + 1));
    store.close().await;
}
