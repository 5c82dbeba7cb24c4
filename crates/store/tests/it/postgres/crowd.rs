//! Many operations on one hot row share transactions; each stands or falls by itself.

use std::collections::BTreeSet;

use agentchat_launch::TestStore;
use agentchat_store::{Engine, HotRow, StoreError, Tx, Write};
use tokio::task::JoinSet;

use crate::talk::{Mood, NotSaid, Said, Say, meet};

/// A message to an inbox that many write to.
struct InCrowd {
    say: Say,
    fails: Fails,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fails {
    Not,
    /// A panic after all of its statements.
    Panics,
    /// The database objects: the number was taken by another message.
    Collides,
}

impl Write for InCrowd {
    type Out = Said;
    type Error = NotSaid;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Said, NotSaid> {
        tx.lock_inboxes(&[self.say.pair.recipient]);
        let said = self.say.run(tx).await;
        assert!(self.fails != Fails::Panics, "as asked for");
        said
    }

    fn hot_row(&self) -> Option<HotRow> {
        Some(HotRow { row: 1, order: self.say.pair.sender.0 })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_shares_commits_and_nobody_spoils_them_for_others() {
    const COUNT: u64 = 200;
    let test = TestStore::open(Engine::Postgres).await;
    let pair = meet(&test.store).await[0];
    let taken = Say { pair, number: 0, mood: Mood::Sober };
    test.store.write(taken).await.unwrap();
    let before = test.store.stats().commits;
    let mut tasks = JoinSet::new();
    for number in 1..=COUNT {
        let store = test.store.clone();
        let mood = if number % 7 == 0 { Mood::Regretful } else { Mood::Sober };
        let fails = match number {
            50 => Fails::Panics,
            100 => Fails::Collides,
            _ => Fails::Not,
        };
        let taken = if fails == Fails::Collides { 0 } else { number };
        let operation = InCrowd { say: Say { pair, number: taken, mood }, fails };
        tasks.spawn(async move { (number, store.write(operation).await) });
    }
    let mut places = BTreeSet::new();
    for (number, answer) in tasks.join_all().await {
        match answer {
            Ok(said) => assert!(places.insert((said.seq, said.position)), "{number}: a place is given once"),
            Err(NotSaid::Regret) => assert_eq!(number % 7, 0),
            Err(NotSaid::Store(StoreError::Internal(_))) => assert!(number == 50 || number == 100, "{number}"),
            Err(NotSaid::Store(error)) => panic!("{number}: {error}"),
        }
    }
    let expected = COUNT - COUNT / 7 - 2;
    let whole: BTreeSet<_> = (2..=expected as i64 + 1).map(|place| (place, place)).collect();
    assert_eq!(places, whole, "no holes, nothing of those that failed");
    let commits = test.store.stats().commits - before;
    assert!(commits < expected, "{commits} commits for {expected} messages");
}
