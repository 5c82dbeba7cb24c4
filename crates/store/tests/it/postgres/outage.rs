//! The server is killed in the middle of the work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use agentchat_launch::{Postgres, PostgresSettings};
use agentchat_store::{PostgresOptions, Store, StoreError};

use crate::talk::{Mood, NotSaid, Pair, Said, Say, meet};

const LIMIT: Duration = Duration::from_secs(60);

/// What one pair was told: acknowledged numbers with their places, and how many were refused.
#[derive(Default)]
struct Told {
    acked: BTreeMap<u64, Said>,
    refused: Vec<StoreError>,
}

/// Talks until told to stop, and on until something was acknowledged after that.
async fn talk(store: Store, pair: Pair, first: u64, stop: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    for number in first.. {
        match store.write(Say { pair, number, mood: Mood::Sober }).await {
            Ok(said) => {
                told.acked.insert(number, said);
                if stop.load(Ordering::SeqCst) {
                    break;
                }
            }
            Err(NotSaid::Store(error)) => told.refused.push(error),
            Err(NotSaid::Regret) => unreachable!("nobody regrets here"),
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kills_of_the_server_and_nothing_else_is_believed() {
    let postgres = Arc::new(Postgres::start(PostgresSettings::default()));
    postgres.create("outage");
    let mut options = PostgresOptions::parse(&postgres.url("outage")).unwrap();
    options.wait = LIMIT;
    let store = Store::connect(options).await.unwrap();
    let pairs = meet(&store).await;
    let stop = Arc::new(AtomicBool::new(false));
    let talks: Vec<_> = pairs
        .iter()
        .zip(1u64..)
        .map(|(pair, number)| tokio::spawn(talk(store.clone(), *pair, number * 1_000_000, Arc::clone(&stop))))
        .collect();
    for _ in 0..3 {
        let before = store.stats().commits;
        wait_until(|| store.stats().commits > before + 50).await;
        let server = Arc::clone(&postgres);
        tokio::task::spawn_blocking(move || {
            server.kill();
            server.start_again();
        })
        .await
        .unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    for (talk, pair) in talks.into_iter().zip(pairs) {
        let told = talk.await.unwrap();
        for refused in &told.refused {
            assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
        }
        audit(&postgres, pair, &told);
    }
}

async fn wait_until(mut there: impl FnMut() -> bool) {
    let began = Instant::now();
    while !there() {
        assert!(began.elapsed() < LIMIT, "the store did not come back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Every acknowledged message is where its caller was told, and there are no holes.
fn audit(postgres: &Postgres, pair: Pair, told: &Told) {
    let sql = format!(
        "SELECT m.client_msg_id, m.seq, e.position FROM message m JOIN envelope e ON e.message = m.pk \
         WHERE m.conversation = {} ORDER BY m.seq",
        pair.conversation.0
    );
    let rows = postgres.psql("outage", &sql);
    let kept: Vec<Vec<i64>> =
        rows.lines().map(|line| line.split('|').map(|field| field.parse().unwrap()).collect()).collect();
    let seqs: Vec<i64> = kept.iter().map(|row| row[1]).collect();
    assert_eq!(seqs, (1..=kept.len() as i64).collect::<Vec<_>>(), "seqs without holes");
    assert!(kept.iter().all(|row| row[1] == row[2]), "positions without holes");
    for (number, said) in &told.acked {
        let row = kept.iter().find(|row| row[0].unsigned_abs() == *number);
        let row = row.unwrap_or_else(|| panic!("message {number} was acknowledged and is not there"));
        assert_eq!((row[1], row[2]), (said.seq, said.position));
    }
    assert!(kept.len() <= told.acked.len() + told.refused.len(), "nothing is there twice");
}
