//! What the operator decides.

use agentchat_core::Error;
use agentchat_core::enforcement::{ReinstateAgent, StatusChange, SuspendAgent};
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::world::{Agent, Change, World, code};

async fn suspend(world: &World, agent: &Agent) -> Result<Option<StatusChange>, Error> {
    let reason = Some("a court said so".to_owned());
    world.store.write(SuspendAgent { handle: agent.handle.clone(), reason, occasion: world.occasion() }).await
}

async fn reinstate(world: &World, agent: &Agent) -> Result<Option<StatusChange>, Error> {
    world.store.write(ReinstateAgent { handle: agent.handle.clone(), occasion: world.occasion() }).await
}

#[store_test]
async fn a_suspension_lasts_until_the_operator_lifts_it(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    assert_eq!(suspend(&world, &alice).await.expect("suspended").expect("a change").to, AgentStatus::Suspended);
    assert_eq!(suspend(&world, &alice).await.expect("still"), None);
    assert_eq!(code(world.try_say(&alice, &bob, "x").await), ErrorCode::Suspended);
    assert_eq!(reinstate(&world, &alice).await.expect("reinstated").expect("a change").to, AgentStatus::Active);
    assert_eq!(reinstate(&world, &alice).await.expect("still"), None);
    world.say(&alice, &bob, "back").await;
    assert_eq!(world.events(&alice).await.len(), 2);
}

#[store_test]
async fn some_cannot_be_suspended(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, system) = (world.agent("alice").await, world.system_agent("weather-service").await);
    assert_eq!(code(suspend(&world, &system).await), ErrorCode::SystemAgentProtected);
    world.change(Change::Status(alice.clone(), AgentStatus::Deleted)).await;
    assert_eq!(code(suspend(&world, &alice).await), ErrorCode::AgentNotFound);
    assert_eq!(code(reinstate(&world, &alice).await), ErrorCode::AgentNotFound);
}

#[store_test]
async fn what_was_said_before_a_reinstatement_counts_no_more(engine: Engine) {
    let world = World::new(engine).await;
    let mallory = world.agent("mallory").await;
    let strangers = world.strangers(&mallory, "stranger", 21).await;
    for stranger in &strangers[..10] {
        world.report(stranger, &mallory).await.expect("reported");
    }
    assert_eq!(world.status(&mallory).await, AgentStatus::Suspended);
    reinstate(&world, &mallory).await.expect("reinstated");
    world.pass(1);
    for stranger in &strangers[10..19] {
        assert_eq!(world.report(stranger, &mallory).await.expect("reported").standing, None);
    }
    // A block that is taken back and made again is a new one; the old report stays counted out.
    world.unblock(&strangers[0], &mallory).await.expect("unblocked");
    assert_eq!(world.block(&strangers[0], &mallory).await.expect("blocked").standing, None);
    let last = world.report(&strangers[19], &mallory).await.expect("reported");
    assert_eq!(last.standing.expect("a change").to, AgentStatus::Suspended);
}

#[store_test]
async fn a_restricted_agent_is_freed_by_the_operator_for_good(engine: Engine) {
    let world = World::new(engine).await;
    let mallory = world.agent("mallory").await;
    let strangers = world.strangers(&mallory, "stranger", 16).await;
    for stranger in &strangers[..15] {
        world.block(stranger, &mallory).await.expect("blocked");
    }
    assert_eq!(reinstate(&world, &mallory).await.expect("reinstated").expect("a change").from, AgentStatus::Restricted);
    world.pass(1);
    assert_eq!(world.block(&strangers[15], &mallory).await.expect("blocked").standing, None);
    assert_eq!(world.status(&mallory).await, AgentStatus::Active);
}
