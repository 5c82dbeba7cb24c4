//! Mutes: what is muted is stored without waking anybody.

use agentchat_core::Error;
use agentchat_core::mutes::{AddMute, ListMutes, NamedTarget, RemoveMute, ShowMute};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::{AgentId, ConversationId};
use agentchat_protocol::mute::{Mute, MuteKind, NewMute, NewMuteTarget};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::world::{Agent, World, code};

const ID: AgentId = AgentId::from_bytes([1; 16]);

async fn mute(world: &World, muter: &Agent, target: NewMuteTarget, millis: Option<i64>) -> Result<Mute, Error> {
    let muted_until = millis.map(|millis| world.now().plus_millis(millis));
    let mute = NewMute { target, muted_until };
    world.store.write(AddMute { muter: muter.key, id: ID, mute, now: world.now() }).await
}

async fn show(world: &World, muter: &Agent, target: NamedTarget) -> Result<Mute, Error> {
    world.store.read(ShowMute { muter: muter.key, id: ID, target, now: world.now() }).await
}

async fn unmute(world: &World, muter: &Agent, target: NamedTarget) -> Result<(), Error> {
    world.store.write(RemoveMute { muter: muter.key, target }).await
}

async fn list(world: &World, muter: &Agent, kind: Option<MuteKind>) -> Vec<String> {
    let operation = ListMutes { muter: muter.key, id: ID, kind, now: world.now() };
    world.store.read(operation).await.expect("a list").mutes.into_iter().map(|mute| mute.target_id).collect()
}

fn named(agent: &Agent) -> NamedTarget {
    NamedTarget::Agent(Some(agent.handle.clone()))
}

fn of(agent: &Agent) -> NewMuteTarget {
    NewMuteTarget::Agent(agent.handle.to_string())
}

async fn quiet(world: &World, from: &Agent, to: &Agent) -> bool {
    world.try_say(from, to, "psst").await.expect("accepted").deliveries[0].quiet
}

#[store_test]
async fn a_muted_agent_wakes_nobody_until_the_mute_ends(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    assert!(!quiet(&world, &alice, &bob).await);
    mute(&world, &bob, of(&alice), Some(1000)).await.expect("muted");
    assert!(quiet(&world, &alice, &bob).await);
    assert!(!quiet(&world, &bob, &alice).await, "the other way is not muted");
    world.pass(1000);
    assert!(!quiet(&world, &alice, &bob).await);
    assert_eq!(world.undelivered(&bob).await, 3, "muted or not, it is stored");
}

#[store_test]
async fn a_muted_conversation_wakes_nobody_until_it_is_unmuted(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let id = world.conversations(&bob).await[0].id;
    let muted = mute(&world, &bob, NewMuteTarget::Conversation(id.to_string()), None).await.expect("muted");
    assert_eq!(
        (muted.target_kind, muted.target_id, muted.target_handle),
        (MuteKind::Conversation, id.to_string(), None)
    );
    assert!(quiet(&world, &alice, &bob).await);
    assert!(world.conversations(&bob).await[0].is_muted);
    unmute(&world, &bob, NamedTarget::Conversation(id)).await.expect("unmuted");
    assert!(!quiet(&world, &alice, &bob).await);
}

#[store_test]
async fn a_repeat_gives_the_mute_another_end(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let first = mute(&world, &alice, of(&bob), Some(1000)).await.expect("muted");
    world.pass(500);
    let longer = mute(&world, &alice, of(&bob), Some(1000)).await.expect("muted");
    assert_eq!(longer.created_at, first.created_at);
    assert_eq!(longer.muted_until, first.muted_until.map(|until: Timestamp| until.plus_millis(500)));
    assert_eq!(mute(&world, &alice, of(&bob), None).await.expect("muted").muted_until, None);
    assert_eq!(list(&world, &alice, None).await, ["bob"]);
}

#[store_test]
async fn expired_mutes_are_gone_but_can_be_deleted(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    mute(&world, &alice, of(&bob), Some(1000)).await.expect("muted");
    world.pass(999);
    show(&world, &alice, named(&bob)).await.expect("in force");
    world.pass(1);
    assert_eq!(code(show(&world, &alice, named(&bob)).await), ErrorCode::NotFound);
    assert!(list(&world, &alice, None).await.is_empty());
    unmute(&world, &alice, named(&bob)).await.expect("it counts as existing");
    assert_eq!(code(unmute(&world, &alice, named(&bob)).await), ErrorCode::NotFound);
}

#[store_test]
async fn the_newest_mute_comes_first(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let (carol, dora) = (world.agent("carol").await, world.agent("dora").await);
    let id = world.conversations(&alice).await[0].id.to_string();
    for target in [of(&dora), NewMuteTarget::Conversation(id.clone()), of(&bob), of(&carol)] {
        mute(&world, &alice, target, None).await.expect("muted");
        world.pass(1);
    }
    mute(&world, &alice, of(&dora), Some(1000)).await.expect("a repeat does not make it newer");
    assert_eq!(list(&world, &alice, None).await, ["carol", "bob", &id, "dora"]);
    assert_eq!(list(&world, &alice, Some(MuteKind::Agent)).await, ["carol", "bob", "dora"]);
    assert_eq!(list(&world, &alice, Some(MuteKind::Conversation)).await, [id]);
    assert!(list(&world, &bob, None).await.is_empty(), "nobody else sees them");
}

#[store_test]
async fn what_is_not_there_is_not_muted(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, _bob) = world.acquainted("alice", "bob").await;
    let (carol, dora) = world.acquainted("carol", "dora").await;
    let foreign = world.conversations(&carol).await[0].id;
    assert_eq!(code(mute(&world, &alice, of(&alice), None).await), ErrorCode::SelfMute);
    for handle in ["nobody", "not a handle", ""] {
        let answer = mute(&world, &alice, NewMuteTarget::Agent(handle.to_owned()), None).await;
        assert_eq!(code(answer), ErrorCode::AgentNotFound, "{handle}");
    }
    let group = ConversationId::group(foreign.bytes());
    for id in [foreign.to_string(), group.to_string(), "conv_x".to_owned(), String::new()] {
        let answer = mute(&world, &alice, NewMuteTarget::Conversation(id.clone()), None).await;
        assert_eq!(code(answer), ErrorCode::ConversationNotFound, "{id}");
    }
    for target in [named(&dora), NamedTarget::Agent(None), NamedTarget::Conversation(foreign)] {
        assert_eq!(code(show(&world, &alice, target.clone()).await), ErrorCode::NotFound);
        assert_eq!(code(unmute(&world, &alice, target).await), ErrorCode::NotFound);
    }
}
