//! Which blocks and reports count, and for how long.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use super::HOUR;
use crate::world::{World, code};

#[store_test]
async fn fifteen_blocks_restrict_until_one_is_taken_back(engine: Engine) {
    let world = World::new(engine).await;
    let (mallory, friend) = world.acquainted("mallory", "friend").await;
    let strangers = world.strangers(&mallory, "stranger", 15).await;
    for stranger in &strangers[..14] {
        assert_eq!(world.block(stranger, &mallory).await.expect("blocked").standing, None);
    }
    let change = world.block(&strangers[14], &mallory).await.expect("blocked").standing.expect("a change");
    assert_eq!((change.from, change.to), (AgentStatus::Active, AgentStatus::Restricted));
    assert_eq!(world.events(&mallory).await, ["agent.status_changed"]);

    let newcomer = world.agent("newcomer").await;
    assert_eq!(code(world.try_say(&mallory, &newcomer, "x").await), ErrorCode::Restricted);
    world.say(&mallory, &friend, "established conversations go on").await;
    world.say(&newcomer, &mallory, "and others may begin").await;
    world.say(&mallory, &newcomer, "what is then a reply").await;

    assert_eq!(world.review(&mallory).await.expect("a review").change, None);
    world.unblock(&strangers[3], &mallory).await.expect("unblocked");
    assert_eq!(world.status(&mallory).await, AgentStatus::Restricted, "it is looked at when it asks for something");
    let reviewed = world.review(&mallory).await.expect("a review");
    assert_eq!(reviewed.status, AgentStatus::Active);
    assert_eq!(reviewed.change.expect("a change").from, AgentStatus::Restricted);
    assert_eq!(world.events(&mallory).await, ["agent.status_changed", "agent.status_changed"]);
    let late = world.agent("late-comer").await;
    world.say(&mallory, &late, "free again").await;
}

#[store_test]
async fn blocks_restrict_for_a_day(engine: Engine) {
    let world = World::new(engine).await;
    let mallory = world.agent("mallory").await;
    let strangers = world.strangers(&mallory, "stranger", 15).await;
    for stranger in &strangers {
        world.block(stranger, &mallory).await.expect("blocked");
    }
    world.pass(24 * HOUR);
    assert_eq!(world.review(&mallory).await.expect("a review").status, AgentStatus::Restricted);
    world.pass(1);
    assert_eq!(world.review(&mallory).await.expect("a review").status, AgentStatus::Active);
    assert_eq!(world.review(&mallory).await.expect("a review").change, None, "an active agent is not judged by itself");
}

#[store_test]
async fn only_those_count_whom_the_agent_wrote_to_first(engine: Engine) {
    let world = World::new(engine).await;
    let mallory = world.agent("mallory").await;
    let strangers = world.strangers(&mallory, "stranger", 14).await;
    for stranger in &strangers {
        world.block(stranger, &mallory).await.expect("blocked");
    }
    let (unknown, began) = (world.agent("unknown").await, world.agent("began").await);
    world.say(&began, &mallory, "hello").await;
    world.say(&mallory, &began, "a reply").await;
    for other in [&unknown, &began] {
        assert_eq!(world.block(other, &mallory).await.expect("blocked").standing, None);
    }
    for other in [&strangers[0], &unknown] {
        assert_eq!(world.block(other, &mallory).await.expect("blocked").standing, None, "nobody counts twice");
    }
    assert_eq!(world.status(&mallory).await, AgentStatus::Active);
}

#[store_test]
async fn ten_reports_within_a_week_suspend(engine: Engine) {
    let world = World::new(engine).await;
    let mallory = world.agent("mallory").await;
    let strangers = world.strangers(&mallory, "stranger", 11).await;
    world.report(&strangers[0], &mallory).await.expect("reported");
    world.pass(7 * 24 * HOUR + 1);
    for stranger in &strangers[1..10] {
        assert_eq!(world.report(stranger, &mallory).await.expect("reported").standing, None);
    }
    let change = world.report(&strangers[10], &mallory).await.expect("reported").standing.expect("a change");
    assert_eq!(change.to, AgentStatus::Suspended);
    assert_eq!(code(world.try_say(&mallory, &strangers[0], "x").await), ErrorCode::Suspended);
    assert_eq!(code(world.try_say(&strangers[0], &mallory, "x").await), ErrorCode::AgentNotFound);
    world.pass(30 * 24 * HOUR);
    assert_eq!(world.review(&mallory).await.expect("a review").status, AgentStatus::Suspended, "it never lifts");
}

#[store_test]
async fn the_last_report_of_a_week_still_counts(engine: Engine) {
    let world = World::new(engine).await;
    let mallory = world.agent("mallory").await;
    let strangers = world.strangers(&mallory, "stranger", 10).await;
    world.report(&strangers[0], &mallory).await.expect("reported");
    world.pass(7 * 24 * HOUR);
    for stranger in &strangers[1..9] {
        world.report(stranger, &mallory).await.expect("reported");
    }
    let last = world.report(&strangers[9], &mallory).await.expect("reported");
    assert_eq!(last.standing.expect("a change").to, AgentStatus::Suspended);
}

#[store_test]
async fn fifty_blocks_within_a_week_suspend(engine: Engine) {
    let world = World::new(engine).await;
    let mallory = world.agent("mallory").await;
    let mut seen = Vec::new();
    // Fourteen a day restrict nobody.
    for day in 0..4 {
        let strangers = world.strangers(&mallory, &format!("day-{day}"), if day == 3 { 8 } else { 14 }).await;
        for stranger in &strangers {
            seen.push(world.block(stranger, &mallory).await.expect("blocked").standing);
        }
        world.pass(24 * HOUR + 1);
    }
    let last = seen.pop().flatten().expect("a change");
    assert_eq!((last.from, last.to), (AgentStatus::Active, AgentStatus::Suspended));
    assert!(seen.iter().all(Option::is_none), "{seen:?}");
    assert_eq!(seen.len(), 49);
}

#[store_test]
async fn system_agents_are_exempt(engine: Engine) {
    let world = World::new(engine).await;
    let system = world.system_agent("weather-service").await;
    let strangers = world.strangers(&system, "stranger", 2).await;
    assert_eq!(code(world.report(&strangers[0], &system).await), ErrorCode::SystemAgentProtected);
    assert_eq!(code(world.block(&strangers[1], &system).await), ErrorCode::SystemAgentProtected);
    assert_eq!(world.review(&system).await.expect("a review").change, None);
}
