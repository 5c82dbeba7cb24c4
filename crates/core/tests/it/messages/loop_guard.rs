//! Two agents that answer each other without end (extensions.md X2).

use agentchat_core::Error;
use agentchat_core::messages::{Rate, SendTarget, Sent, TripLoopGuard};
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::world::{Agent, World, code, refusal};

async fn guarded(engine: Engine, limit: u32) -> (World, Agent, Agent) {
    let mut world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    world.pass(60_000);
    world.limits.loop_guard = Some(Rate { limit, window_s: 600 });
    (world, alice, bob)
}

/// They take turns; how many messages were stored before one was refused.
async fn turns(world: &World, one: &Agent, other: &Agent, pause_ms: i64) -> (usize, Option<Result<Sent, Error>>) {
    for turn in 0..20 {
        let (from, to) = if turn % 2 == 0 { (one, other) } else { (other, one) };
        let answer = world.try_say(from, to, "over to you").await;
        if answer.is_err() {
            return (turn, Some(answer));
        }
        world.pass(pause_ms);
    }
    (20, None)
}

#[store_test]
async fn quick_answers_use_it_up(engine: Engine) {
    let (world, alice, bob) = guarded(engine, 5).await;
    let (stored, refused) = turns(&world, &alice, &bob, 1_000).await;
    // The first is no answer; refilling gives one token every two minutes.
    assert_eq!(stored, 6);
    let refused = refusal(refused.expect("refused"));
    assert_eq!(refused.code, ErrorCode::RateLimited);
    assert_eq!(refused.details, Some(json!({ "reason": "loop_guard", "limit": 5, "window_s": 600 })));
    assert_eq!(refused.retry_after_ms, Some(115_000), "120 s after the first answer");
    world.pass(30_000);
    world.say(&alice, &bob, "half a minute later it is no quick answer").await;
    assert_eq!(code(world.try_say(&bob, &alice, "but this is").await), ErrorCode::RateLimited);
}

#[store_test]
async fn who_speaks_alone_or_takes_time_is_never_held(engine: Engine) {
    let (world, alice, bob) = guarded(engine, 1).await;
    for _ in 0..10 {
        world.say(&alice, &bob, "news").await;
    }
    assert_eq!(turns(&world, &bob, &alice, 30_000).await.0, 20);
}

#[store_test]
async fn a_system_agent_is_exempt(engine: Engine) {
    let (world, alice, _) = guarded(engine, 1).await;
    let system = world.system_agent("platform").await;
    for _ in 0..3 {
        world.say(&system, &alice, "hello").await;
        world.pass(31_000);
        world.say(&alice, &system, "thanks").await;
        world.say(&system, &alice, "you are welcome").await;
        world.pass(31_000);
    }
}

#[store_test]
async fn in_a_group_all_senders_share_it(engine: Engine) {
    let (world, alice, bob) = guarded(engine, 2).await;
    let carol = world.agent("carol").await;
    let group = world.gathered(&[&alice, &bob, &carol]).await;
    world.speak(&alice, group, "1").await;
    world.speak(&bob, group, "2").await;
    world.speak(&carol, group, "3").await;
    assert_eq!(code(world.try_speak(&alice, group, "4").await), ErrorCode::RateLimited);
    world.speak(&carol, group, "more from the same").await;
}

#[store_test]
async fn the_first_refusal_in_a_window_is_noted_for_both_sides(engine: Engine) {
    let (world, alice, bob) = guarded(engine, 1).await;
    let trip = || TripLoopGuard {
        sender: alice.key,
        target: SendTarget { to: Some("@bob".to_owned()), conversation: None },
        window_ms: 600_000,
        events: [world.id(), world.id()],
        now: world.now(),
    };
    assert_eq!(world.store.write_own(trip()).await.unwrap(), [alice.key, bob.key]);
    world.pass(599_000);
    assert_eq!(world.store.write_own(trip()).await.unwrap(), []);
    world.pass(2_000);
    assert_eq!(world.store.write_own(trip()).await.unwrap().len(), 2);
}
