//! The log starts over under load, and stays short.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use agentchat_store::{Store, StoreOptions};
use tokio::task::JoinSet;

use crate::talk::{Count, Mood, Say, meet};

const RESTART: u64 = 256 * 1024;

/// Writers without a pause and a reader that keeps taking snapshots: some thirty times the log's length is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_short_while_writers_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions { log_restart: RESTART, ..StoreOptions::new(folder.path()) }).unwrap();
    let pairs = meet(&store).await;
    let busy = Arc::new(AtomicBool::new(true));
    let reader = {
        let (store, pairs, busy) = (store.clone(), pairs.clone(), Arc::clone(&busy));
        tokio::spawn(async move {
            while busy.load(Ordering::Relaxed) {
                store.read(Count { pairs: pairs.clone() }).await.unwrap();
            }
        })
    };
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let (store, pair) = (store.clone(), pairs[writer % pairs.len()]);
        writers.spawn(async move {
            let mut longest = 0;
            for turn in 0..64 {
                let number = (writer * 64 + turn) as u64;
                store.write(Say { pair, number, mood: Mood::Sober }).await.unwrap();
                longest = longest.max(store.stats().log_bytes);
            }
            longest
        });
    }
    let longest = writers.join_all().await.into_iter().max().unwrap();
    busy.store(false, Ordering::Relaxed);
    reader.await.unwrap();
    assert!(longest > 0);
    // A batch, and the times a reader kept it from starting over; without that it would be some 8 MiB.
    assert!(longest < 12 * RESTART, "the log was {longest} bytes long");
    let file = std::fs::metadata(folder.path().join("agentchat.db-wal")).unwrap().len();
    assert!(file <= longest + 1024 * 1024, "the log's file has {file} bytes");
    store.close().await;
    assert!(!folder.path().join("agentchat.db-wal").exists());
}
