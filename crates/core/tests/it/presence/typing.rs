//! Who hears an agent compose in a direct conversation; groups are looked at from outside.

use agentchat_core::presence::TypingAudience;
use agentchat_protocol::agent::PausedByOwner;
use agentchat_protocol::id::ConversationId;
use agentchat_store::Engine;
use agentchat_store::key::AgentKey;
use agentchat_store_test::store_test;

use crate::world::{Agent, Change, World};

async fn heard(world: &World, agent: &Agent, conversation: ConversationId) -> Vec<AgentKey> {
    world.store.read(TypingAudience { agent: agent.key, conversation, now: world.now() }).await.unwrap()
}

#[store_test]
async fn only_in_established_conversations_of_ones_own(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let conversation = world.say(&alice, &bob, "hello").await.conversation_id;
    assert_eq!(heard(&world, &alice, conversation).await, []);
    assert_eq!(heard(&world, &bob, conversation).await, [], "not before it was answered");
    world.say(&bob, &alice, "hello yourself").await;
    assert_eq!(heard(&world, &alice, conversation).await, [bob.key]);
    assert_eq!(heard(&world, &bob, conversation).await, [alice.key]);
    assert_eq!(heard(&world, &carol, conversation).await, []);
    let nowhere = ConversationId::direct(world.id());
    assert_eq!(heard(&world, &alice, nowhere).await, []);
}

#[store_test]
async fn not_across_blocks_pauses_and_mutes(engine: Engine) {
    let world = World::new(engine).await;
    for (name, change) in [
        ("block", (|one: &Agent, other: &Agent| Change::Block(one.clone(), other.clone())) as fn(&Agent, &Agent) -> _),
        ("blocked", |one, other| Change::Block(other.clone(), one.clone())),
        ("mute", |one, other| Change::Mute(other.clone(), one.clone())),
        ("pause", |_, other| Change::Paused(other.clone(), PausedByOwner::Full)),
        ("own-pause", |one, _| Change::Paused(one.clone(), PausedByOwner::Send)),
        ("own-full", |one, _| Change::Paused(one.clone(), PausedByOwner::Full)),
    ] {
        let (alice, bob) = world.acquainted(&format!("{name}-alice"), &format!("{name}-bob")).await;
        let conversation = world.conversations(&alice).await[0].id;
        assert_eq!(heard(&world, &alice, conversation).await, [bob.key], "{name}");
        world.change(change(&alice, &bob)).await;
        assert_eq!(heard(&world, &alice, conversation).await, [], "{name}");
    }
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let conversation = world.conversations(&alice).await[0].id;
    world.change(Change::Mute(alice.clone(), bob.clone())).await;
    world.change(Change::Paused(bob.clone(), PausedByOwner::Send)).await;
    assert_eq!(heard(&world, &alice, conversation).await, [bob.key], "the other direction");
}
