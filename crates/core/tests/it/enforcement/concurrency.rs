//! Many block at once: none is lost, and the verdict falls once.

use agentchat_core::enforcement::CommunityRules;
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use tokio::task::JoinSet;

use crate::world::{World, code};

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_at_the_same_moment_are_all_counted(engine: Engine) {
    let world = World::new(engine).await;
    let mallory = world.agent("mallory").await;
    let strangers = world.strangers(&mallory, "stranger", 20).await;
    let rules = CommunityRules { suspend_blocks: 20, ..CommunityRules::default() };
    let mut blocks = JoinSet::new();
    for stranger in &strangers {
        let (store, block) = (world.store.clone(), world.block_of(stranger, &mallory, rules));
        blocks.spawn(async move { store.write(block).await.expect("blocked").standing });
    }
    let changes: Vec<_> = blocks.join_all().await.into_iter().flatten().collect();
    let steps: Vec<_> = changes.iter().map(|change| (change.from.clone(), change.to.clone())).collect();
    assert_eq!(steps.len(), 2, "{steps:?}");
    assert!(steps.contains(&(AgentStatus::Active, AgentStatus::Restricted)), "{steps:?}");
    assert!(steps.contains(&(AgentStatus::Restricted, AgentStatus::Suspended)), "{steps:?}");
    assert_eq!(world.status(&mallory).await, AgentStatus::Suspended);
    assert_eq!(world.events(&mallory).await.len(), 2);
}

#[store_test]
async fn two_may_block_and_write_to_each_other_at_once(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    for _ in 0..10 {
        let (one, other, sent, back) = tokio::join!(
            world.block(&alice, &bob),
            world.block(&bob, &alice),
            world.try_say(&alice, &bob, "x"),
            world.try_say(&bob, &alice, "y"),
        );
        assert!(one.expect("blocked").is_new && other.expect("blocked").is_new);
        for send in [sent, back].into_iter().filter(Result::is_err) {
            assert_eq!(code(send), ErrorCode::Blocked);
        }
        assert_eq!(code(world.try_say(&alice, &bob, "z").await), ErrorCode::Blocked);
        let (one, other) = tokio::join!(world.unblock(&alice, &bob), world.unblock(&bob, &alice));
        one.and(other).expect("unblocked");
    }
}

#[store_test]
async fn the_same_report_twice_at_once_is_one(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let (one, other) = tokio::join!(world.report(&alice, &bob), world.report(&alice, &bob));
    let (made, refused) = if one.is_ok() { (one, other) } else { (other, one) };
    assert!(made.expect("reported").is_new);
    assert_eq!(code(refused), ErrorCode::AlreadyReported);
}
