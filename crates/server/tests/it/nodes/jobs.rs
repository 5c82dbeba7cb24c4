//! Long work belongs to one node at a time.

use std::time::Duration;

use agentchat_launch::TestDatabase;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_server::Clock;
use agentchat_store::key::JobKey;
use agentchat_store::tables::Work;
use agentchat_store::{PostgresOptions, Read, Store, StoreError, Tx, Write};

use super::{Nodes, until};
use crate::realtime::peer::{Agent, friends};

/// A job for an agent that somebody took who does not come back.
struct TakenByNobody {
    agent: &'static str,
    now: Timestamp,
    lease_ms: i64,
}

impl Write for TakenByNobody {
    type Out = JobKey;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<JobKey, StoreError> {
        let agent = tx.agent_by_handle(&Handle::parse(self.agent).unwrap()).await?.unwrap();
        let job = tx.insert_job(Work::ClearInbox(agent.key), self.now).await?;
        let claimed = tx.claim_job(&[7; 16], self.now, self.lease_ms).await?;
        assert_eq!(claimed.map(|row| row.key), Some(job));
        Ok(job)
    }
}

struct Jobs;

impl Read for Jobs {
    type Out = Vec<JobKey>;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<JobKey>, StoreError> {
        tx.unfinished_jobs().await
    }
}

/// Counter and stored envelopes of an agent.
struct Left(&'static str);

impl Read for Left {
    type Out = (i64, bool);
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(i64, bool), StoreError> {
        let agent = tx.agent_by_handle(&Handle::parse(self.0).unwrap()).await?.unwrap();
        let inbox = tx.inbox(agent.key).await?.unwrap();
        Ok((inbox.undelivered, tx.nth_stored(agent.key, i64::MAX, 1, 0).await?.is_some()))
    }
}

async fn store(database: &TestDatabase) -> Store {
    Store::connect(PostgresOptions::parse(&database.url()).unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_all_look_for_jobs_do_each_once() {
    let nodes = Nodes::start_with(3, |_, config| config.timing.seek_jobs = Duration::from_millis(1)).await;
    let first = &nodes.nodes[0];
    let store = store(&nodes.database).await;
    let (alice, bob) = friends(first).await;
    let carol = Agent::new(first, "carol").await;
    for number in 0..30 {
        alice.send(first, &bob, &format!("to bob {number}")).await;
    }
    alice.send(first, &carol, "to carol").await;
    for (node, agent) in [(1, &bob), (2, &carol)] {
        let path = format!("/v1/agents/{}", agent.handle);
        let bearer = agent.bearer();
        let deleted = nodes.nodes[node].request("DELETE", &path, &[("Authorization", &bearer)], b"").await;
        assert_eq!(deleted.status, 200, "{deleted:?}");
    }
    until("the jobs are done", async || store.read(Jobs).await.unwrap().is_empty()).await;
    // Twice would have made the counter negative.
    assert_eq!(store.read(Left("bobby")).await.unwrap(), (0, false));
    assert_eq!(store.read(Left("carol")).await.unwrap(), (0, false));
    store.close().await;
}

#[tokio::test]
async fn a_job_whose_node_died_is_done_by_another_when_its_time_is_over() {
    const LEASE: Duration = Duration::from_millis(1_500);
    let nodes = Nodes::start_with(2, |_, config| config.timing.seek_jobs = Duration::from_millis(10)).await;
    let store = store(&nodes.database).await;
    let (alice, bob) = friends(&nodes.nodes[0]).await;
    alice.send(&nodes.nodes[0], &bob, "left behind").await;
    let began = std::time::Instant::now();
    let taken = TakenByNobody { agent: "bobby", now: Clock::system().now(), lease_ms: LEASE.as_millis() as i64 };
    let job = store.write(taken).await.unwrap();
    let done = until("it is done", async || {
        let jobs = store.read(Jobs).await.unwrap();
        assert!(jobs.is_empty() || jobs == [job]);
        jobs.is_empty()
    });
    done.await;
    assert!(began.elapsed() >= LEASE, "it was another's: {:?}", began.elapsed());
    assert_eq!(store.read(Left("bobby")).await.unwrap(), (0, false));
    store.close().await;
}
