//! The job that clears a deleted account's inbox, chunk by chunk, the counter exact in each.

use agentchat_core::Verdict;
use agentchat_core::agents::{CountAll, ShowSummary};
use agentchat_core::jobs::{Advance, Claim, ClaimJob, Progress, UnfinishedJobs};
use agentchat_core::messages::{HistoryAnchor, SendDirect, ShowHistory};
use agentchat_protocol::delivery::DeliveryKey;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::MessageId;
use agentchat_protocol::message::{Message, MessageStatus};
use agentchat_protocol::send::SendRequest;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, JobKey};
use agentchat_store::{Engine, Read, StoreError, Tx};
use agentchat_store_test::store_test;
use serde_json::json;

use super::delete;
use crate::ground::Ground;
use crate::world::LIMITS;

/// The counter, and the envelopes it counts.
struct Waiting(AgentKey);

impl Read for Waiting {
    type Out = (i64, i64);
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(i64, i64), StoreError> {
        let counter = tx.inbox(self.0).await?.map_or(-1, |inbox| inbox.undelivered);
        let mut stored = 0;
        while tx.nth_stored(self.0, i64::MAX, stored + 1, 0).await?.is_some() {
            stored += 1;
        }
        Ok((counter, stored))
    }
}

async fn send(ground: &Ground, from: AgentKey, to: &str) -> Message {
    let id = MessageId::from_bytes(ground.draw());
    let body = json!({ "to": to, "client_msg_id": id.to_string(), "content": { "text": "hello" } }).to_string();
    let send = SendDirect {
        sender: from,
        request: SendRequest::parse(body.as_bytes(), 32_768).unwrap(),
        client_msg_id: id.to_string(),
        now: ground.now(),
        message_id: id,
        conversation_id: ground.draw(),
        verdict: Verdict::Granted,
        limits: LIMITS,
    };
    ground.store.write(send).await.unwrap().message
}

/// Of the only node there is.
fn claim(ground: &Ground) -> Claim {
    Claim { node: [1; 16], now: ground.now(), lease_ms: 60_000 }
}

async fn work(ground: &Ground, job: JobKey, chunk: u64) -> Progress {
    let messages = [ground.draw(), ground.draw()].map(MessageId::from_bytes);
    let advance = Advance { job, chunk, claim: claim(ground), told: false, messages };
    ground.store.write_own(advance).await.unwrap().progress
}

async fn claimed(ground: &Ground) -> Option<JobKey> {
    ground.store.write_own(ClaimJob(claim(ground))).await.unwrap()
}

/// Status and time of delivery of each message, as `viewer` sees them.
async fn states(ground: &Ground, viewer: AgentKey, of: &Message) -> Vec<(MessageStatus, Option<Timestamp>)> {
    let history = ShowHistory {
        viewer,
        conversation: of.conversation_id,
        anchor: HistoryAnchor::Newest,
        limit: 200,
        keys: DeliveryKey::new([9; 32]),
        now: ground.now(),
    };
    let rows = ground.store.read(history).await.unwrap();
    rows.into_iter().map(|row| (row.status, row.delivered_at)).collect()
}

#[store_test]
async fn the_inbox_is_cleared_in_chunks_and_counted_in_each(engine: Engine) {
    let ground = Ground::new(engine).await;
    let alice = ground.agent("alice@example.com", "alice").await;
    let bob = ground.agent("bob@example.com", "bob").await;
    send(&ground, alice.key, "bob").await;
    send(&ground, bob.key, "alice").await;
    for _ in 0..6 {
        send(&ground, alice.key, "bob").await;
    }
    let deleted = delete(&ground, "bob").await.unwrap();
    assert_eq!(ground.store.read(Waiting(bob.key)).await.unwrap(), (7, 7));
    // Readers take what is left for done.
    let summary = ground.store.read(ShowSummary { handle: Handle::parse("bob").unwrap() }).await.unwrap();
    assert_eq!(summary.undelivered, 0);
    assert_eq!(ground.store.read(CountAll).await.unwrap().messages.stored_envelopes, 1);

    assert_eq!(claimed(&ground).await, Some(deleted.job));
    assert_eq!(work(&ground, deleted.job, 3).await, Progress::More);
    assert_eq!(ground.store.read(Waiting(bob.key)).await.unwrap(), (4, 4));
    let ground = ground.restart().await;
    assert_eq!(ground.store.read(UnfinishedJobs).await.unwrap(), [deleted.job]);
    assert_eq!(work(&ground, deleted.job, 3).await, Progress::More);
    assert_eq!(ground.store.read(Waiting(bob.key)).await.unwrap(), (1, 1));
    assert_eq!(work(&ground, deleted.job, 3).await, Progress::Finished);
    assert_eq!(ground.store.read(Waiting(bob.key)).await.unwrap(), (0, 0));
    assert_eq!(ground.store.read(UnfinishedJobs).await.unwrap(), []);
    assert_eq!(work(&ground, deleted.job, 3).await, Progress::Finished);
    assert_eq!(ground.store.read(Waiting(alice.key)).await.unwrap(), (1, 1));
}

#[store_test]
async fn nobody_sees_whether_the_job_is_done(engine: Engine) {
    let ground = Ground::new(engine).await;
    let alice = ground.agent("alice@example.com", "alice").await;
    ground.agent("bob@example.com", "bob").await;
    let message = send(&ground, alice.key, "bob").await;
    assert_eq!(states(&ground, alice.key, &message).await, [(MessageStatus::Stored, None)]);
    ground.pass(1_000);
    let deleted = delete(&ground, "bob").await.unwrap();
    let before = states(&ground, alice.key, &message).await;
    assert_eq!(before, [(MessageStatus::Delivered, Some(ground.now()))]);
    ground.pass(1_000);
    assert_eq!(claimed(&ground).await, Some(deleted.job));
    assert_eq!(work(&ground, deleted.job, 500).await, Progress::Finished);
    assert_eq!(states(&ground, alice.key, &message).await, before);
}

#[store_test]
async fn an_empty_inbox_is_done_at_once(engine: Engine) {
    let ground = Ground::new(engine).await;
    ground.agent("alice@example.com", "alice").await;
    let deleted = delete(&ground, "alice").await.unwrap();
    assert_eq!(claimed(&ground).await, Some(deleted.job));
    assert_eq!(work(&ground, deleted.job, 500).await, Progress::Finished);
    assert_eq!(ground.store.read(UnfinishedJobs).await.unwrap(), []);
}
