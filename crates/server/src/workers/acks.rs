//! Acks of all sockets, gathered for a moment into one operation on the store's own lane.
//!
//! A crash may lose what is gathered; the messages are then offered again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agentchat_core::messages::{Ack, Busy, Settle};
use agentchat_store::{Engine, Store};
use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::clock::Clock;

/// Acks that are not worth waiting for more.
const ENOUGH: usize = 512;
/// Acks of one operation, so that it does not hold up the callers behind it.
const PER_OPERATION: usize = 1_024;
/// Operations that one writer takes into the same commit. Groups make acks faster than a commit at a time settles them.
const OPERATIONS: usize = 64;
/// Acks kept while the store cannot write (24 bytes each); beyond that they are dropped, and their messages offered
/// again.
const KEPT: usize = 1_000_000;
/// Busy inboxes that are waited for at a time; each takes a connection.
const AT_ONCE: usize = 4;
/// Pause after the store could not write.
const RETRY: Duration = Duration::from_millis(500);

/// The gatherer; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Acks(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    gathered: Mutex<Gathered>,
    /// Something was gathered, or the gatherer shall end.
    some: Notify,
    /// Enough was gathered.
    enough: Notify,
    worker: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Gathered {
    acks: Vec<Ack>,
    closed: bool,
}

impl Acks {
    /// Starts the gatherer, which settles what it has every `every` while there is something.
    pub(crate) fn start(store: Store, clock: Clock, every: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let worker = tokio::spawn(work(Arc::clone(&shared), store, clock, every));
        *lock(&shared.worker) = Some(worker);
        Self(shared)
    }

    /// Settles these messages soon.
    pub(crate) fn push(&self, acks: impl IntoIterator<Item = Ack>) {
        let mut gathered = lock(&self.0.gathered);
        let before = gathered.acks.len();
        let room = KEPT.saturating_sub(before);
        gathered.acks.extend(acks.into_iter().take(room));
        let after = gathered.acks.len();
        drop(gathered);
        if before == 0 && after > 0 {
            self.0.some.notify_one();
        }
        if before < ENOUGH && after >= ENOUGH {
            self.0.enough.notify_one();
        }
    }

    /// Settles what is left; later acks are lost.
    pub(crate) async fn close(&self) {
        lock(&self.0.gathered).closed = true;
        self.0.some.notify_one();
        self.0.enough.notify_one();
        let worker = lock(&self.0.worker).take();
        if let Some(worker) = worker
            && let Err(panic) = worker.await
        {
            tracing::error!(%panic, "the gatherer of acks failed");
        }
    }
}

async fn work(shared: Arc<Shared>, store: Store, clock: Clock, every: Duration) {
    let mut settling = Settling { store, clock, late: Default::default() };
    loop {
        shared.some.notified().await;
        if !lock(&shared.gathered).closed {
            let _early = tokio::time::timeout(every, shared.enough.notified()).await;
        }
        let (acks, closed) = take(&shared);
        let left = if closed { settling.finish(acks).await } else { settling.round(acks).await };
        if closed {
            return;
        }
        if settling.has_late() {
            shared.some.notify_one();
        }
        put_back(&shared, left).await;
    }
}

fn take(shared: &Shared) -> (Vec<Ack>, bool) {
    let mut gathered = lock(&shared.gathered);
    (std::mem::take(&mut gathered.acks), gathered.closed)
}

/// The way of acks into the store. Those whose inbox is busy (somebody delivers to it on another connection) are left
/// twice and then waited for, each agent's by themselves: waiting for many at once would hold all of them up for all.
struct Settling {
    store: Store,
    clock: Clock,
    /// Left once, left twice.
    late: [Vec<Ack>; 2],
}

impl Settling {
    fn has_late(&self) -> bool {
        self.late.iter().any(|acks| !acks.is_empty())
    }

    /// Settles what it can; returns what the store could not take at all.
    async fn round(&mut self, fresh: Vec<Ack>) -> Vec<Ack> {
        let [once, twice] = std::mem::take(&mut self.late);
        let mut failed = self.wait_for(twice).await;
        for (generation, acks) in [once, fresh].into_iter().enumerate() {
            let (busy, not_taken) = self.settle(acks, Busy::Leave).await;
            self.late[1 - generation] = busy;
            failed.extend(not_taken);
        }
        failed
    }

    /// The last round: nothing is left for later.
    async fn finish(&mut self, mut acks: Vec<Ack>) -> Vec<Ack> {
        acks.extend(self.late.iter_mut().flat_map(std::mem::take));
        self.settle(acks, Busy::Wait).await.1
    }

    async fn wait_for(&self, mut acks: Vec<Ack>) -> Vec<Ack> {
        acks.sort_by_key(|ack| ack.agent);
        let agents = acks.chunk_by(|one, other| one.agent == other.agent).map(<[Ack]>::to_vec);
        let waiting = agents.map(|acks| async { self.settle(acks, Busy::Wait).await.1 });
        futures_util::stream::iter(waiting).buffer_unordered(AT_ONCE).concat().await
    }

    /// Answers the acks of busy inboxes, and those that the store could not take.
    async fn settle(&self, acks: Vec<Ack>, busy: Busy) -> (Vec<Ack>, Vec<Ack>) {
        // Where several transactions run side by side, they would find each other's inboxes busy.
        let at_once = if self.store.engine() == Engine::Sqlite { OPERATIONS } else { 1 };
        let chunks: Vec<Vec<Ack>> = acks.chunks(PER_OPERATION).map(<[Ack]>::to_vec).collect();
        let operations = chunks.into_iter().map(|acks| async move {
            let operation = Settle { acks: acks.clone(), busy, now: self.clock.now() };
            self.store.write_own(operation).await.map_err(|error| (error, acks))
        });
        let mut answers = futures_util::stream::iter(operations).buffered(at_once);
        let (mut left, mut not_taken, mut why) = (Vec::new(), Vec::new(), None);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(settled) => left.extend(settled.left),
                Err((error, acks)) => {
                    not_taken.extend(acks);
                    why = Some(error);
                }
            }
        }
        if let Some(error) = why {
            tracing::warn!(%error, count = not_taken.len(), "acks are not settled yet");
        }
        (left, not_taken)
    }
}

async fn put_back(shared: &Shared, left: Vec<Ack>) {
    if left.is_empty() {
        return;
    }
    tokio::time::sleep(RETRY).await;
    let mut gathered = lock(&shared.gathered);
    let room = KEPT.saturating_sub(gathered.acks.len());
    gathered.acks.extend(left.into_iter().take(room));
    shared.some.notify_one();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use agentchat_protocol::id::MessageId;
    use agentchat_store::StoreOptions;
    use agentchat_store::key::AgentKey;

    use super::*;

    fn acks(count: u8) -> Vec<Ack> {
        (0..count).map(|byte| Ack { agent: AgentKey(1), message: MessageId::from_bytes([byte; 16]) }).collect()
    }

    #[tokio::test]
    async fn what_is_gathered_becomes_one_operation() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreOptions::new(folder.path())).unwrap();
        let before = store.stats().commits;
        let gatherer = Acks::start(store.clone(), Clock::system(), Duration::from_secs(60));
        for _ in 0..3 {
            gatherer.push(acks(100));
        }
        gatherer.push([]);
        gatherer.close().await;
        assert_eq!(store.stats().commits - before, 1);
        store.close().await;
    }

    #[tokio::test]
    async fn enough_is_not_waited_for_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreOptions::new(folder.path())).unwrap();
        let before = store.stats().commits;
        let gatherer = Acks::start(store.clone(), Clock::system(), Duration::from_secs(3_600));
        for _ in 0..6 {
            gatherer.push(acks(100));
        }
        while store.stats().commits == before {
            tokio::task::yield_now().await;
        }
        gatherer.close().await;
        store.close().await;
    }

    #[tokio::test]
    async fn a_store_that_cannot_write_does_not_hold_up_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreOptions::new(folder.path())).unwrap();
        let gatherer = Acks::start(store.clone(), Clock::system(), Duration::ZERO);
        store.close().await;
        gatherer.push(acks(1));
        gatherer.close().await;
    }
}
