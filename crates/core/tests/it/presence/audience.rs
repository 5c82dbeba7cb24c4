//! Who may look, and who is told.

use agentchat_core::presence::{Audience, ShowPresences};
use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::presence::PresenceStatus;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use super::{HERE, say, try_look};
use crate::world::{Agent, Change, World, code};

async fn audience(world: &World, subjects: &[&Agent]) -> Vec<(i64, i64)> {
    let subjects = subjects.iter().map(|agent| agent.key).collect();
    let page = world.store.read(Audience { subjects, after: None }).await.unwrap();
    assert_eq!(page.next, None);
    page.pairs.into_iter().map(|(subject, owner)| (subject.0, owner.0)).collect()
}

#[store_test]
async fn whoever_has_the_subject_in_its_contacts_is_told(engine: Engine) {
    let world = World::new(engine).await;
    let mut agents = Vec::new();
    for handle in ["subject", "open", "limited", "paused", "quiet", "closed", "stranger"] {
        agents.push(world.agent(handle).await);
    }
    let [subject, open, limited, paused, quiet, closed, stranger] = &agents[..] else { panic!() };
    for owner in [open, limited, paused, quiet, closed] {
        world.change(Change::Contact(owner.clone(), subject.clone())).await;
    }
    world.change(Change::Contact(subject.clone(), stranger.clone())).await;
    world.change(Change::Status(limited.clone(), AgentStatus::Restricted)).await;
    world.change(Change::Paused(paused.clone(), PausedByOwner::Full)).await;
    world.change(Change::Paused(quiet.clone(), PausedByOwner::Send)).await;
    world.change(Change::Status(closed.clone(), AgentStatus::Suspended)).await;
    let pair = |owner: &Agent| (subject.key.0, owner.key.0);
    assert_eq!(audience(&world, &[subject]).await, [pair(open), pair(limited), pair(quiet)]);
    let both = audience(&world, &[stranger, subject]).await;
    assert_eq!(both.len(), 4, "{both:?}");
    assert_eq!(both[3], (stranger.key.0, subject.key.0));
}

#[store_test]
async fn an_audience_is_read_in_pages(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    for (owner, contact) in [(&alice, &bob), (&carol, &bob), (&alice, &carol)] {
        world.change(Change::Contact(owner.clone(), contact.clone())).await;
    }
    let subjects = vec![bob.key, carol.key];
    let after = Some((bob.key, alice.key));
    let page = world.store.read(Audience { subjects, after }).await.unwrap();
    assert_eq!(page.pairs, [(bob.key, carol.key), (carol.key, alice.key)]);
}

#[store_test]
async fn only_the_agent_itself_and_owners_of_an_edge_may_look(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    say(&world, &alice, "busy", "").await;
    world.change(Change::Contact(alice.clone(), bob.clone())).await;
    assert_eq!(try_look(&world, &alice, &alice).await.unwrap().status, PresenceStatus::Busy);
    assert_eq!(code(try_look(&world, &bob, &alice).await), ErrorCode::NotFound, "the edge of the other says nothing");
    world.change(Change::Contact(bob.clone(), alice.clone())).await;
    world.change(Change::Block(alice.clone(), bob.clone())).await;
    assert_eq!(try_look(&world, &bob, &alice).await.unwrap().status, PresenceStatus::Busy, "edges survive blocks");
}

#[store_test]
async fn a_batch_holds_whom_the_viewer_may_see(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    world.agent("stranger").await;
    world.change(Change::Contact(alice.clone(), bob.clone())).await;
    let handles = ["nobody", "bob", "stranger", "alice"].map(|handle| Handle::parse(handle).unwrap()).to_vec();
    let show = ShowPresences { viewer: alice.key, handles, life: HERE, now: world.now() };
    let mut seen: Vec<i64> = world.store.read(show).await.unwrap().iter().map(|sighting| sighting.agent().0).collect();
    seen.sort_unstable();
    assert_eq!(seen, [alice.key.0, bob.key.0]);
}
