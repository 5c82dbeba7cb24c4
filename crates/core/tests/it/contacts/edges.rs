//! Contacts: directed, silent, kept whatever becomes of the other.

use agentchat_core::contacts::{CheckContact, NoteContact, RemoveContact};
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use crate::world::{Agent, Change, World, code};

async fn note(world: &World, owner: &Agent, other: &Agent, notes: Option<&str>) -> Result<(), agentchat_core::Error> {
    let (handle, notes) = (Some(other.handle.clone()), notes.map(str::to_owned));
    world.store.write(NoteContact { owner: owner.key, handle, notes }).await
}

async fn remove(world: &World, owner: &Agent, other: &Agent) -> Result<(), agentchat_core::Error> {
    world.store.write(RemoveContact { owner: owner.key, handle: Some(other.handle.clone()) }).await
}

#[store_test]
async fn who_is_added_again_keeps_time_and_notes(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let first = world.add_contact(&alice, &bob).await.expect("added");
    assert_eq!((first.added_at, first.notes), (world.now(), None));
    note(&world, &alice, &bob, Some("met at the fair")).await.expect("noted");
    world.pass(1000);
    let again = world.add_contact(&alice, &bob).await.expect("added again");
    assert_eq!((again.added_at, again.notes.as_deref()), (first.added_at, Some("met at the fair")));
    assert_eq!(world.contacts(&bob, 50, 0).await.total, 0, "the edge is directed");
}

#[store_test]
async fn contacts_pass_a_gate_that_others_do_not(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    world.change(Change::ContactsOnly(bob.clone())).await;
    world.add_contact(&alice, &bob).await.expect("added");
    assert_eq!(code(world.try_say(&alice, &bob, "x").await), ErrorCode::InboxRestricted, "the recipient's list counts");
    world.add_contact(&bob, &alice).await.expect("added");
    world.say(&alice, &bob, "hello").await;
    remove(&world, &bob, &alice).await.expect("removed");
    world.add_contact(&bob, &carol).await.expect("added");
    remove(&world, &bob, &carol).await.expect("removed");
    assert_eq!(code(world.try_say(&carol, &bob, "x").await), ErrorCode::InboxRestricted);
}

#[store_test]
async fn a_page_is_by_handle_with_the_full_count(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    for handle in ["dora", "bob", "eve", "carol"] {
        let other = world.agent(handle).await;
        world.add_contact(&alice, &other).await.expect("added");
    }
    let page = world.contacts(&alice, 2, 1).await;
    let handles: Vec<&str> = page.contacts.iter().map(|contact| contact.handle.as_str()).collect();
    assert_eq!((handles, page.total, page.limit, page.offset), (vec!["carol", "dora"], 4, 2, 1));
    assert_eq!(page.contacts, page.items);
    let beyond = world.contacts(&alice, 2, 9).await;
    assert_eq!((beyond.contacts.len(), beyond.total), (0, 4));
}

#[store_test]
async fn edges_outlive_the_status_of_the_other(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    for other in [&bob, &carol] {
        world.add_contact(&alice, other).await.expect("added");
    }
    world.change(Change::Status(bob.clone(), AgentStatus::Suspended)).await;
    world.change(Change::Status(carol.clone(), AgentStatus::Deleted)).await;
    let statuses: Vec<_> = world.contacts(&alice, 50, 0).await.contacts.into_iter().map(|row| row.status).collect();
    assert_eq!(statuses, [AgentStatus::Suspended, AgentStatus::Deleted]);
    assert_eq!(code(world.add_contact(&alice, &bob).await), ErrorCode::AgentNotFound);
    for other in [&bob, &carol] {
        note(&world, &alice, other, Some("gone")).await.expect("noted");
        remove(&world, &alice, other).await.expect("removed");
        assert_eq!(code(remove(&world, &alice, other).await), ErrorCode::NotFound);
        assert_eq!(code(note(&world, &alice, other, None).await), ErrorCode::NotFound);
    }
}

#[store_test]
async fn nobody_is_an_unknown_contact(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    for handle in [None, Handle::parse("nobody").ok(), Some(alice.handle.clone()), Some(bob.handle.clone())] {
        let found = world.store.read(CheckContact { owner: alice.key, handle }).await.expect("a state");
        assert_eq!((found.is_contact, found.added_at, found.notes), (false, None, None));
    }
    assert_eq!(code(world.add_contact(&alice, &alice).await), ErrorCode::ValidationError);
    let nobody = Agent { key: bob.key, handle: Handle::parse("nobody").expect("a handle") };
    assert_eq!(code(world.add_contact(&alice, &nobody).await), ErrorCode::AgentNotFound);
}
