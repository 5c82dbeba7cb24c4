//! Reports: once for ever, and a block besides.

use agentchat_core::contacts::ListBlocked;
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::world::{Change, World, code};

#[store_test]
async fn a_report_blocks_and_is_made_once(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    assert!(world.report(&alice, &bob).await.expect("reported").is_new);
    assert_eq!(code(world.try_say(&bob, &alice, "x").await), ErrorCode::Blocked);
    assert_eq!(code(world.report(&alice, &bob).await), ErrorCode::AlreadyReported);
    world.unblock(&alice, &bob).await.expect("unblocked");
    assert_eq!(code(world.report(&alice, &bob).await), ErrorCode::AlreadyReported);
    world.say(&bob, &alice, "the refused report blocked nobody").await;
    assert!(world.report(&bob, &alice).await.expect("the other way is another report").is_new);
}

#[store_test]
async fn a_block_that_is_there_keeps_its_time(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let since = world.now();
    world.block(&alice, &bob).await.expect("blocked");
    world.pass(1000);
    assert!(!world.report(&alice, &bob).await.expect("reported").is_new);
    let page = world.store.read(ListBlocked { blocker: alice.key, limit: 1, offset: 0 }).await.expect("a page");
    assert_eq!(page.blocked[0].blocked_at, since);
}

#[store_test]
async fn some_cannot_be_reported(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let system = world.system_agent("weather-service").await;
    assert_eq!(code(world.report(&alice, &alice).await), ErrorCode::ValidationError);
    assert_eq!(code(world.report(&alice, &system).await), ErrorCode::SystemAgentProtected);
    world.change(Change::Status(bob.clone(), AgentStatus::Suspended)).await;
    assert_eq!(code(world.report(&alice, &bob).await), ErrorCode::AgentNotFound);
}
