//! The child: opens the store of a folder and does what it is told on its standard input, one line an order; every
//! answer of the store is a line on its standard output.

use std::io::{BufRead, Write as _, stdin, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use agentchat_store::{Store, StoreError, StoreOptions};
use tokio::task::JoinSet;

use crate::talk::{Count, Mood, NotSaid, Pair, Say, meet};

pub(super) const FOLDER: &str = "STORE_WORKLOAD_FOLDER";
/// Set: the log is never copied and never starts over.
pub(super) const LONG_LOG: &str = "STORE_WORKLOAD_LONG_LOG";
const WRITERS: usize = 32;
/// Every operation is stubborn.
static STUBBORN: AtomicBool = AtomicBool::new(false);

#[test]
#[ignore = "a child of the other tests here; does nothing without a folder to work in"]
fn workload() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    // The harness left its line open.
    tell(String::new());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let long_log = std::env::var_os(LONG_LOG).is_some();
        let options = StoreOptions {
            // Short, so that the log starts over and checkpoints happen all the time.
            log_restart: if long_log { u64::MAX } else { 256 * 1024 },
            checkpoint_every: if long_log { Duration::from_secs(3600) } else { Duration::from_millis(1) },
            readers: 1,
            batch: 16,
            ..StoreOptions::new(folder)
        };
        match Store::open(options) {
            Ok(store) => obey(store).await,
            Err(error) => tell(format!("closed {error}")),
        }
    });
}

async fn obey(store: Store) {
    let mut pairs = Vec::new();
    tell("ready".into());
    for order in stdin().lock().lines() {
        let order = order.expect("an order");
        let mut words = order.split(' ');
        let name = words.next().unwrap_or_default();
        let mut number = || words.next().and_then(|word| word.parse().ok()).expect("a number");
        match name {
            "stubborn" => STUBBORN.store(true, Ordering::Relaxed),
            "meet" => pairs = meet(&store).await,
            "burst" => burst(&store, &pairs, number(), number()).await,
            "load" => load(&store, &pairs, number()),
            "count" => match store.read(Count { pairs: pairs.clone() }).await {
                Ok(count) => tell(format!("count {count}")),
                Err(error) => tell(format!("uncounted {error}")),
            },
            "close" => break,
            _ => panic!("what is {order}?"),
        }
        tell("done".into());
    }
    store.close().await;
    tell("closed in peace".into());
}

/// Says messages all at once and waits for all answers.
async fn burst(store: &Store, pairs: &[Pair], from: u64, count: u64) {
    let mut all = JoinSet::new();
    for number in from..from + count {
        all.spawn(say(store.clone(), pairs[number as usize % pairs.len()], number));
    }
    all.join_all().await;
}

/// Says messages until the process is killed.
fn load(store: &Store, pairs: &[Pair], from: u64) {
    let next = Arc::new(AtomicU64::new(from));
    for writer in 0..WRITERS {
        let (store, next, pair) = (store.clone(), Arc::clone(&next), pairs[writer % pairs.len()]);
        tokio::spawn(async move {
            loop {
                say(store.clone(), pair, next.fetch_add(1, Ordering::Relaxed)).await;
            }
        });
    }
}

async fn say(store: Store, pair: Pair, number: u64) {
    let mood = match number % 8 {
        _ if STUBBORN.load(Ordering::Relaxed) => Mood::Stubborn,
        7 => Mood::Regretful,
        0 => Mood::Stubborn,
        _ => Mood::Sober,
    };
    let answer = match store.write(Say { pair, number, mood }).await {
        Ok(said) => format!("acked {number} {} {}", said.seq, said.position),
        Err(NotSaid::Regret) => format!("refused {number} regret"),
        Err(NotSaid::Store(StoreError::Unavailable(why))) => format!("refused {number} unavailable {why}"),
        Err(NotSaid::Store(other)) => format!("refused {number} otherwise {other}"),
    };
    tell(answer);
}

/// One write a line, so that lines of several threads, or of a killed process, are whole.
fn tell(mut line: String) {
    line.push('\n');
    stdout().lock().write_all(line.as_bytes()).expect("somebody who listens");
}
