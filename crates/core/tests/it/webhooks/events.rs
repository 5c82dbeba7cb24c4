//! What happens, and who is told of it, in the transaction in which it happens.

use agentchat_core::groups::InviteRules;
use agentchat_core::messages::{ReadMessage, ReadThrough};
use agentchat_core::presence::{Announcement, Audience};
use agentchat_core::webhooks::QueuePresences;
use agentchat_protocol::agent::PausedByOwner;
use agentchat_protocol::presence::{PresenceChanged, PresenceStatus};
use agentchat_protocol::webhook::WebhookEvent;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::world::{Agent, Change, World};

/// Everything but messages.
const EVENTS: [WebhookEvent; 5] = [
    WebhookEvent::MessageRead,
    WebhookEvent::PresenceUpdate,
    WebhookEvent::ContactBlocked,
    WebhookEvent::GroupInviteReceived,
    WebhookEvent::GroupDeleted,
];

const NO_BOUNDS: InviteRules = InviteRules { members: 256, quota: None };

async fn pause(world: &World, agent: &Agent) {
    world.change(Change::Paused(agent.clone(), PausedByOwner::Full)).await;
}

/// Other events leave nothing for a webhook that wants one alone.
async fn only(world: &World, agent: &Agent, event: WebhookEvent) -> Vec<Value> {
    let told = world.told(agent).await;
    assert!(told.iter().all(|(one, _)| *one == event), "{told:?}");
    told.into_iter().map(|(_, data)| data).collect()
}

#[store_test]
async fn a_sender_is_told_what_was_read(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    world.hooked(&alice, &[WebhookEvent::MessageRead]).await;
    world.say(&alice, &bob, "three").await;
    let last = world.say(&alice, &bob, "four").await;
    let read = ReadMessage { reader: bob.key, handle: bob.handle.clone(), message: last.id, now: world.now() };
    let answer = world.store.write(read.clone()).await.expect("read");
    assert!(answer.outcome.queued);
    let at = world.now();
    let frame = json!({
        "message_id": last.id, "conversation_id": last.conversation_id, "seq": 4, "read_by": "bob", "read_at": at,
        "through_seq": 4, "reader": "bob", "at": at,
    });
    assert_eq!(only(&world, &alice, WebhookEvent::MessageRead).await, [frame]);
    world.pass(1);
    let again = world.store.write(ReadMessage { now: world.now(), ..read }).await.expect("read");
    assert!(!again.outcome.queued);
    assert_eq!(world.told(&alice).await.len(), 1);
}

#[store_test]
async fn senders_that_do_not_want_to_know_cost_nothing(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    world.hooked(&alice, &[WebhookEvent::MessageNew, WebhookEvent::GroupDeleted]).await;
    let last = world.say(&alice, &bob, "three").await;
    let (reader, handle, now) = (bob.key, bob.handle.clone(), world.now());
    let read = ReadThrough { reader, handle, conversation: last.conversation_id, through_seq: 3, now };
    let outcome = world.store.write(read).await.expect("read");
    assert_eq!((outcome.events.len(), outcome.queued, world.told(&alice).await.len()), (1, false, 0));
}

#[store_test]
async fn every_reader_of_a_group_is_an_event_of_its_own(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.gathered(&[&alice, &bob, &carol]).await;
    world.hooked(&alice, &[WebhookEvent::MessageRead]).await;
    world.hooked(&bob, &EVENTS).await;
    world.speak(&bob, group, "one").await;
    let last = world.speak(&alice, group, "two").await;
    for reader in [&bob, &carol] {
        let (handle, now) = (reader.handle.clone(), world.now());
        let read = ReadThrough { reader: reader.key, handle, conversation: group, through_seq: 99, now };
        assert!(world.store.write(read).await.expect("read").queued);
    }
    let told = only(&world, &alice, WebhookEvent::MessageRead).await;
    let readers: Vec<_> = told.iter().map(|data| (&data["message_id"], &data["reader"])).collect();
    assert_eq!(readers, [(&json!(last.id), &json!("bob")), (&json!(last.id), &json!("carol"))]);
    assert_eq!(only(&world, &bob, WebhookEvent::MessageRead).await.len(), 1);
}

#[store_test]
async fn who_is_paused_is_not_told(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    let group = world.gathered(&[&bob, &alice]).await;
    world.hooked(&alice, &EVENTS).await;
    let last = world.say(&alice, &bob, "three").await;
    pause(&world, &alice).await;
    let read = ReadMessage { reader: bob.key, handle: bob.handle.clone(), message: last.id, now: world.now() };
    world.store.write(read).await.expect("read");
    assert!(!world.block(&bob, &alice).await.expect("blocked").queued);
    assert!(!world.try_end(&bob, group).await.expect("deleted").queued);
    assert!(!queue(&world, &[(&bob, &alice)]).await);
    assert!(world.told(&alice).await.is_empty());
}

#[store_test]
async fn the_blocked_are_told_once(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let carol = world.agent("carol").await;
    world.hooked(&bob, &[WebhookEvent::ContactBlocked]).await;
    world.hooked(&bob, &[WebhookEvent::MessageRead]).await;
    let since = world.now();
    assert!(world.block(&alice, &bob).await.expect("blocked").queued);
    world.pass(1);
    assert!(!world.block(&alice, &bob).await.expect("blocked before").queued);
    assert!(!world.report(&alice, &bob).await.expect("reported").queued, "the block was there");
    assert!(world.report(&carol, &bob).await.expect("reported").queued);
    assert!(!world.block(&bob, &alice).await.expect("blocked").queued, "alice has no webhook");
    let expected = [
        json!({"blocked_by": "alice", "blocked_at": since}),
        json!({"blocked_by": "carol", "blocked_at": world.now()}),
    ];
    assert_eq!(only(&world, &bob, WebhookEvent::ContactBlocked).await, expected);
}

#[store_test]
async fn the_invited_are_told(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    for agent in [&bob, &carol] {
        world.hooked(agent, &[WebhookEvent::GroupInviteReceived]).await;
    }
    let body = json!({ "name": "ops", "description": "d", "member_handles": ["bob"] });
    let created = world.create_group(&alice, body, NO_BOUNDS).await;
    assert!(created.queued);
    let group = created.answer.group.id;
    let added = world.try_add(&alice, group, "carol").await.expect("invited");
    assert!(added.queued);
    assert!(!world.try_add(&alice, group, "carol").await.expect("invited before").queued);
    let invite = added.result.invite_id;
    let expected = json!({
        "id": invite, "group_id": group, "group_name": "ops", "group_description": "d", "group_avatar_url": null,
        "group_member_count": 1, "inviter_handle": "alice", "created_at": world.now(),
    });
    assert_eq!(only(&world, &carol, WebhookEvent::GroupInviteReceived).await, [expected]);
    assert_eq!(only(&world, &bob, WebhookEvent::GroupInviteReceived).await[0]["group_id"], json!(group));
}

#[store_test]
async fn members_are_told_of_the_end_of_their_group(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.gathered(&[&alice, &bob, &carol]).await;
    world.hooked(&alice, &[WebhookEvent::GroupDeleted]).await;
    // The last message and the event leave the same webhook at the same time.
    world.hooked(&bob, &[WebhookEvent::MessageNew, WebhookEvent::GroupDeleted]).await;
    assert!(world.try_end(&alice, group).await.expect("deleted").queued);
    let info = json!({"group_id": group, "deleted_by_handle": "alice", "deleted_at": world.now()});
    assert_eq!(world.told(&bob).await, [(WebhookEvent::MessageNew, Value::Null), (WebhookEvent::GroupDeleted, info)]);
    assert!(world.told(&alice).await.is_empty(), "who ends it knows");
}

/// Tells of subjects' presence; whether anything was queued.
async fn queue(world: &World, told: &[(&Agent, &Agent)]) -> bool {
    let announcement = |subject: &Agent| Announcement {
        subject: subject.key,
        changed: PresenceChanged {
            handle: subject.handle.clone(),
            status: PresenceStatus::Busy,
            custom_message: Some("on it".to_owned()),
        },
    };
    let announcements = told.iter().map(|(subject, owner)| (announcement(subject), owner.key, world.id())).collect();
    world.store.write(QueuePresences { announcements, now: world.now() }).await.expect("queued")
}

#[store_test]
async fn contacts_with_webhooks_are_told_of_presences(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    for owner in [&bob, &carol] {
        world.change(Change::Contact(owner.clone(), alice.clone())).await;
    }
    world.change(Change::Contact(bob.clone(), carol.clone())).await;
    world.hooked(&bob, &[WebhookEvent::PresenceUpdate]).await;
    world.hooked(&carol, &[WebhookEvent::MessageNew]).await;
    let page = world.store.read(Audience { subjects: vec![alice.key], after: None }).await.expect("a page");
    assert_eq!((page.pairs.len(), page.hooked), (2, vec![bob.key]));
    assert!(queue(&world, &[(&alice, &bob), (&carol, &bob)]).await);
    assert!(!queue(&world, &[(&alice, &carol)]).await);
    let told = only(&world, &bob, WebhookEvent::PresenceUpdate).await;
    let said = |handle: &str| json!({"handle": handle, "status": "busy", "custom_message": "on it"});
    assert_eq!(told, [said("alice"), said("carol")]);
}
