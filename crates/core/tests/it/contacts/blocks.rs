//! Blocks: no direct messages either way.

use agentchat_core::contacts::ListBlocked;
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::world::{Agent, Change, World, code, refusal};

async fn blocked(world: &World, blocker: &Agent, limit: u64, offset: u64) -> (Vec<(String, i64)>, u64) {
    let page = world.store.read(ListBlocked { blocker: blocker.key, limit, offset }).await.expect("a page");
    let rows = page.blocked.iter().map(|row| (row.handle.to_string(), row.blocked_at.as_millis())).collect();
    (rows, page.total)
}

#[store_test]
async fn a_block_stops_messages_both_ways_until_it_is_taken_back(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    assert!(world.block(&bob, &alice).await.expect("blocked").is_new);
    let one_way = refusal(world.try_say(&alice, &bob, "x").await);
    assert_eq!(one_way.code, ErrorCode::Blocked);
    assert_eq!(refusal(world.try_say(&bob, &alice, "x").await), one_way, "both are told the same");
    assert_eq!(code(world.unblock(&alice, &bob).await), ErrorCode::NotFound, "it is not theirs to take back");
    world.unblock(&bob, &alice).await.expect("unblocked");
    assert_eq!(world.say(&alice, &bob, "again").await.seq, 3);
    assert_eq!(world.contacts(&bob, 50, 0).await.total, 1, "contacts stay");
}

#[store_test]
async fn a_second_block_changes_nothing(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let since = world.now().as_millis();
    assert!(world.block(&alice, &bob).await.expect("blocked").is_new);
    world.pass(5000);
    assert!(!world.block(&alice, &bob).await.expect("still blocked").is_new);
    assert_eq!(blocked(&world, &alice, 50, 0).await, (vec![("bob".to_owned(), since)], 1));
}

#[store_test]
async fn the_newest_block_is_listed_first(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    for handle in ["bob", "dora", "carol"] {
        let other = world.agent(handle).await;
        world.block(&alice, &other).await.expect("blocked");
        world.pass(1);
    }
    let (rows, total) = blocked(&world, &alice, 2, 1).await;
    let handles: Vec<&str> = rows.iter().map(|(handle, _)| handle.as_str()).collect();
    assert_eq!((handles, total), (vec!["dora", "bob"], 3));
    assert_eq!(blocked(&world, &alice, 2, 3).await, (Vec::new(), 3));
}

#[store_test]
async fn some_cannot_be_blocked_and_all_can_be_unblocked(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let system = world.system_agent("weather-service").await;
    assert_eq!(code(world.block(&alice, &alice).await), ErrorCode::ValidationError);
    assert_eq!(code(world.block(&alice, &system).await), ErrorCode::SystemAgentProtected);
    world.block(&alice, &bob).await.expect("blocked");
    for status in [AgentStatus::Suspended, AgentStatus::Deleted] {
        world.change(Change::Status(bob.clone(), status)).await;
        assert_eq!(code(world.block(&alice, &bob).await), ErrorCode::AgentNotFound);
        assert_eq!(blocked(&world, &alice, 50, 0).await.1, 1, "it is listed all the same");
    }
    world.unblock(&alice, &bob).await.expect("unblocked");
    assert_eq!(code(world.unblock(&alice, &bob).await), ErrorCode::NotFound);
}
