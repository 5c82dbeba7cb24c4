//! Following invitations: the history cut, coming back, capacity.

use agentchat_core::messages::HistoryAnchor;
use agentchat_protocol::conversation::GroupRole;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::{ConversationId, InviteId};
use agentchat_protocol::message::Message;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use std::sync::Arc;

use super::{ranks, said};
use crate::world::{Agent, World, code};

async fn seen(world: &World, agent: &Agent, group: ConversationId) -> Vec<String> {
    let rows: Vec<Message> = world.history(agent, group, HistoryAnchor::After(0)).await;
    rows.iter().map(said).collect()
}

async fn unread(world: &World, agent: &Agent) -> (i64, Option<i64>, Option<i64>) {
    let item = world.conversations(agent).await.remove(0);
    (item.unread_count, item.oldest_unread_seq, item.newest_unread_seq)
}

#[store_test]
async fn nothing_before_the_joining_is_shown(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let group = world.group(&[&alice]).await;
    world.speak(&alice, group, "before").await;
    let invite = world.invite(&alice, group, &bob).await;
    world.speak(&alice, group, "between").await;
    let joined = world.try_accept(&bob, invite, 256).await.expect("joined");
    assert_eq!((joined.group.your_role.clone(), joined.group.member_count), (GroupRole::Member, 2));
    let told = joined.posted.expect("an event").message;
    assert_eq!((said(&told).as_str(), told.sender.as_str(), told.seq), ("member_joined bob", "bob", 3));
    assert_eq!((world.queue(&bob).await, unread(&world, &bob).await), (vec![], (0, None, None)));
    world.speak(&alice, group, "after").await;
    assert_eq!(seen(&world, &bob, group).await, ["member_joined bob", "after"]);
    assert_eq!(
        (world.queue(&bob).await, unread(&world, &bob).await),
        (vec!["after".to_owned()], (1, Some(4), Some(4)))
    );
    assert_eq!(world.queue(&alice).await, ["member_joined bob"]);
}

#[store_test]
async fn who_comes_back_begins_anew(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let group = world.group(&[&alice, &bob]).await;
    world.promote(&alice, group, &bob).await;
    world.speak(&bob, group, "the first stay").await;
    world.speak(&alice, group, "unread").await;
    world.try_leave(&bob, group).await.expect("left");
    world.speak(&alice, group, "meanwhile").await;
    world.pass(1_000);
    let joined = world.bring(&alice, group, &bob).await;
    assert_eq!(ranks(&joined.group), [("alice", true), ("bob", false)], "a member");
    assert_eq!(joined.group.members[1].joined_at, world.now());
    assert_eq!(seen(&world, &bob, group).await, ["member_joined bob"]);
    assert_eq!(unread(&world, &bob).await, (0, None, None));
    world.speak(&alice, group, "again").await;
    assert_eq!((world.queue(&bob).await, unread(&world, &bob).await.0), (vec!["again".to_owned()], 1));
    assert_eq!(seen(&world, &bob, group).await, ["member_joined bob", "again"]);
}

#[store_test]
async fn a_full_group_takes_nobody_and_keeps_the_invitation(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice]).await;
    let invites = [world.invite(&alice, group, &bob).await, world.invite(&alice, group, &carol).await];
    assert_eq!(code(world.try_accept(&carol, invites[0], 2).await), ErrorCode::InviteNotFound, "somebody else's");
    world.try_accept(&bob, invites[0], 2).await.expect("joined");
    assert_eq!(code(world.try_accept(&carol, invites[1], 2).await), ErrorCode::GroupFull);
    assert_eq!(world.invites(&carol).await.len(), 1);
    world.try_leave(&bob, group).await.expect("left");
    world.try_accept(&carol, invites[1], 2).await.expect("there is room");
    assert_eq!(code(world.try_accept(&carol, invites[1], 2).await), ErrorCode::InviteNotFound, "consumed");
}

#[store_test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_come_at_once_are_as_many_as_there_is_room_for(engine: Engine) {
    let world = Arc::new(World::new(engine).await);
    let alice = world.agent("alice").await;
    let group = world.group(&[&alice]).await;
    let mut invited: Vec<(Agent, InviteId)> = Vec::new();
    for number in 0..12 {
        let agent = world.agent(&format!("guest-{number}")).await;
        let invite = world.invite(&alice, group, &agent).await;
        invited.push((agent, invite));
    }
    let mut tasks = tokio::task::JoinSet::new();
    for (agent, invite) in invited {
        let world = Arc::clone(&world);
        tasks.spawn(async move { world.try_accept(&agent, invite, 5).await.map(|_| ()) });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 4);
    for refused in answers.into_iter().filter(Result::is_err) {
        assert_eq!(code(refused), ErrorCode::GroupFull);
    }
    let shown = world.show(&alice, group).await;
    assert_eq!((shown.member_count, shown.members.len()), (5, 5));
    assert_eq!(world.queue(&alice).await.len(), 4, "one event each");
    let seqs: Vec<i64> =
        world.history(&alice, group, HistoryAnchor::After(0)).await.iter().map(|row| row.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
}
