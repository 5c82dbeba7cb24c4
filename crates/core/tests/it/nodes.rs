//! What nodes that share a store ask of it: heads of inboxes, jobs, tokens.

use agentchat_core::agents::DeleteAgent;
use agentchat_core::inboxes::InboxHeads;
use agentchat_core::jobs::{Advance, Claim, ClaimJob, Progress, ReleaseJob, UnfinishedJobs};
use agentchat_core::limits::{PurgeTokens, TakeToken, Token};
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::MessageId;
use agentchat_store::Engine;
use agentchat_store::key::{AgentKey, JobKey};
use agentchat_store::tables::Actor;
use agentchat_store_test::store_test;

use crate::ground::Ground;

const LEASE: i64 = 30_000;

fn claim(ground: &Ground, node: u8) -> Claim {
    Claim { node: [node; 16], now: ground.now(), lease_ms: LEASE }
}

async fn take_job(ground: &Ground, node: u8) -> Option<JobKey> {
    ground.store.write_own(ClaimJob(claim(ground, node))).await.unwrap()
}

async fn work(ground: &Ground, node: u8, job: JobKey) -> Progress {
    let messages = [ground.draw(), ground.draw()].map(MessageId::from_bytes);
    let advance = Advance { job, chunk: 1, claim: claim(ground, node), told: false, messages };
    ground.store.write_own(advance).await.unwrap().progress
}

/// Deletes an agent that nothing waits for; returns its job.
async fn leave_a_job(ground: &Ground, handle: &str) -> JobKey {
    ground.agent(&format!("{handle}@example.com"), handle).await;
    let delete = DeleteAgent {
        handle: Handle::parse(handle).unwrap(),
        actor: Actor::System,
        event: ground.draw(),
        now: ground.now(),
    };
    ground.store.write(delete).await.unwrap().job
}

#[store_test]
async fn a_job_belongs_to_one_node_until_its_claim_runs_out(engine: Engine) {
    let ground = Ground::new(engine).await;
    let (first, second) = (leave_a_job(&ground, "alice").await, leave_a_job(&ground, "bob").await);
    assert_eq!(take_job(&ground, 1).await, Some(first), "the oldest");
    assert_eq!(take_job(&ground, 2).await, Some(second));
    assert_eq!(take_job(&ground, 3).await, None);
    assert_eq!(work(&ground, 3, first).await, Progress::Lost);
    assert_eq!(work(&ground, 2, second).await, Progress::Finished);
    ground.pass(LEASE);
    assert_eq!(take_job(&ground, 3).await, Some(first));
    assert_eq!(work(&ground, 1, first).await, Progress::Lost, "it came too late");
    assert_eq!(ground.store.read(UnfinishedJobs).await.unwrap(), [first]);
    assert_eq!(work(&ground, 3, first).await, Progress::Finished);
    assert_eq!(work(&ground, 1, first).await, Progress::Finished);
    assert_eq!(take_job(&ground, 1).await, None);
}

#[store_test]
async fn a_released_job_is_free_at_once(engine: Engine) {
    let ground = Ground::new(engine).await;
    let job = leave_a_job(&ground, "alice").await;
    assert_eq!(take_job(&ground, 1).await, Some(job));
    let release = |node: u8| ReleaseJob { job, node: [node; 16], now: ground.now() };
    ground.store.write_own(release(2)).await.unwrap();
    assert_eq!(take_job(&ground, 2).await, None, "it was not its own");
    ground.store.write_own(release(1)).await.unwrap();
    assert_eq!(take_job(&ground, 2).await, Some(job));
}

#[store_test]
async fn heads_say_how_far_logs_reach_and_how_accounts_stand(engine: Engine) {
    let ground = Ground::new(engine).await;
    let alice = ground.agent("alice@example.com", "alice").await;
    let bob = ground.agent("bob@example.com", "bob").await;
    ground.set_status(bob.key, AgentStatus::Suspended).await;
    let agents = vec![alice.key, bob.key, AgentKey(i64::MAX)];
    let mut heads = ground.store.read(InboxHeads { agents }).await.unwrap();
    heads.sort_by_key(|head| head.agent);
    assert_eq!(heads.len(), 2);
    assert_eq!((heads[0].agent, heads[0].last_position, heads[0].epoch), (alice.key, 0, 0));
    assert_eq!((heads[1].agent, heads[1].epoch, &heads[1].status), (bob.key, 1, &AgentStatus::Suspended));
    assert!(ground.store.read(InboxHeads { agents: vec![] }).await.unwrap().is_empty());
}

#[store_test]
async fn a_bucket_gives_as_many_tokens_as_it_holds_and_then_one_an_interval(engine: Engine) {
    let ground = Ground::new(engine).await;
    let take = async |key: u8| {
        let token =
            TakeToken { policy: 3, key: [key; 32], interval_us: 20_000_000, window_us: 60_000_000, now: ground.now() };
        ground.store.write(token).await.unwrap()
    };
    for taken in 1..=3 {
        assert_eq!(take(1).await, Token::Taken { full_in_us: taken * 20_000_000 });
    }
    assert_eq!(take(1).await, Token::Missing { wait_us: 20_000_000 });
    assert_eq!(take(2).await, Token::Taken { full_in_us: 20_000_000 }, "another bucket");
    ground.pass(19_999);
    assert_eq!(take(1).await, Token::Missing { wait_us: 1_000 });
    ground.pass(1);
    assert_eq!(take(1).await, Token::Taken { full_in_us: 60_000_000 });

    let purge = || PurgeTokens { now: ground.now(), most: 10 };
    assert_eq!(ground.store.write_own(purge()).await.unwrap(), 1, "the one that is full again");
    assert_eq!(take(1).await, Token::Missing { wait_us: 20_000_000 }, "the other was kept");
}
