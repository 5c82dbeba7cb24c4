//! The end of a group: one transaction, and a job that nobody can tell from it.

use agentchat_core::jobs::{Advance, Progress};
use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::error::ErrorCode;
use agentchat_store::tables::MuteSubject;
use agentchat_store::{Engine, StoreError, Tx, Write};
use agentchat_store_test::store_test;

use super::said;
use crate::world::{Agent, Change, World, code, refusal};

#[store_test]
async fn the_end_is_the_last_message_to_everybody(engine: Engine) {
    let mut world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let (dave, erin) = (world.agent("dave").await, world.agent("erin").await);
    let group = world.group(&[&alice, &bob, &carol, &dave]).await;
    let invite = world.invite(&alice, group, &erin).await;
    world.try_leave(&dave, group).await.expect("left");
    for agent in [&alice, &bob, &carol] {
        world.ack_all(agent).await;
    }
    world.change(Change::Mute(bob.clone(), alice.clone())).await;
    world.change(Change::Paused(carol.clone(), PausedByOwner::Full)).await;
    // Both are full, and take it all the same.
    world.limits.backlog_hard = 0;
    world.pass(1_000);
    let ended = world.try_end(&alice, group).await.expect("ended");
    assert_eq!((ended.deleted_at, said(&ended.posted.message).as_str()), (world.now(), "group_deleted"));
    let quiet: Vec<_> = ended.posted.deliveries.iter().map(|one| (one.recipient, one.quiet)).collect();
    assert_eq!(quiet, [(bob.key, false), (carol.key, true)], "a mute counts for nothing, a full pause does");
    assert_eq!(world.queue(&bob).await, ["group_deleted"]);
    assert!(!world.pending(&bob, 0, 9).await[0].quiet);
    assert!(world.pending(&carol, 0, 9).await[0].quiet);

    for agent in [&alice, &bob, &dave] {
        let gone = refusal(world.try_show(agent, group).await);
        assert_eq!(gone.code, ErrorCode::GroupDeleted);
        let details = gone.details.expect("details");
        assert_eq!((&details["deleted_by_handle"], &details["group_id"]), (&"alice".into(), &group.to_string().into()));
    }
    assert_eq!(code(world.try_show(&erin, group).await), ErrorCode::GroupNotFound);
    assert_eq!(code(world.try_accept(&erin, invite, 256).await), ErrorCode::InviteNotFound);
    assert!(world.invites(&erin).await.is_empty());
    assert_eq!(code(world.try_speak(&bob, group, "anybody?").await), ErrorCode::GroupDeleted);
    assert_eq!(code(world.try_end(&alice, group).await), ErrorCode::GroupDeleted);
    assert!(world.conversations(&bob).await.is_empty());
}

#[store_test]
async fn the_job_tells_first_and_settles_all_but_the_last_message(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let erin = world.agent("erin").await;
    let group = world.group(&[&alice, &bob, &carol]).await;
    world.invite(&alice, group, &erin).await;
    for number in 0..7 {
        world.speak(&carol, group, &number.to_string()).await;
    }
    world.say(&alice, &bob, "apart from the group").await;
    let waiting = world.undelivered(&bob).await;
    world.try_end(&alice, group).await.expect("ended");
    let job = world.claim_job().await.expect("a job");
    let first = world.advance(job, 3, false).await;
    let end = first.end.expect("somebody to tell");
    assert_eq!((end.info.group_id, end.info.deleted_by_handle.as_str()), (group, "alice"));
    let last = world.pending(&bob, 0, 100).await.last().expect("the last message").position;
    let told: Vec<_> = end.to.iter().map(|(agent, _)| *agent).collect();
    assert_eq!((told, end.to[0].1), (vec![bob.key, carol.key], last), "not the one who ended it");

    // Whoever takes over before anything was settled tells them again.
    assert!(world.advance(job, 3, false).await.end.is_some());
    let mut chunks = 0;
    loop {
        // From its first moment on nobody can tell how far the job is.
        assert_eq!(world.queue(&bob).await, ["apart from the group", "group_deleted"]);
        assert_eq!((waiting, world.undelivered(&bob).await), (9, 2));
        assert_eq!((world.queue(&carol).await, world.undelivered(&carol).await), (vec!["group_deleted".to_owned()], 1));
        assert_eq!((world.queue(&alice).await.len(), world.undelivered(&alice).await), (0, 0));
        if world.advance(job, 3, true).await.progress != Progress::More {
            break;
        }
        chunks += 1;
    }
    assert!(chunks > 3, "{chunks}");
    assert_eq!(world.claim_job().await, None);
    // What was sent before stays delivered to whom it was.
    assert_eq!(code(world.try_show(&carol, group).await), ErrorCode::GroupDeleted);
}

#[store_test]
async fn a_job_that_is_taken_over_tells_those_it_did_not_close(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    let mut members = vec![alice.clone()];
    for number in 0..40 {
        members.push(world.agent(&format!("member-{number}")).await);
    }
    let group = world.group(&members.iter().collect::<Vec<_>>()).await;
    for member in &members {
        world.ack_all(member).await;
    }
    world.try_end(&alice, group).await.expect("ended");
    let job = world.claim_job().await.expect("a job");
    assert_eq!(world.advance(job, Advance::CHUNK, false).await.end.expect("told").to.len(), 40);
    assert_eq!(world.advance(job, Advance::CHUNK, true).await.progress, Progress::More);
    let again = world.advance(job, Advance::CHUNK, false).await.end.expect("told again").to.len();
    assert!(again > 0 && again < 40, "{again}");
    assert_eq!(world.advance(job, Advance::CHUNK, true).await.progress, Progress::Finished);
    for member in &members[1..] {
        assert_eq!(world.queue(member).await, ["group_deleted"]);
    }
}

#[store_test]
async fn the_creator_ends_it_or_an_admin_when_there_is_none(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice, &bob, &carol]).await;
    world.promote(&alice, group, &bob).await;
    assert_eq!(code(world.try_end(&bob, group).await), ErrorCode::Forbidden, "the creator is there");
    assert_eq!(code(world.try_end(&carol, group).await), ErrorCode::Forbidden);
    world.change(Change::Status(alice.clone(), AgentStatus::Suspended)).await;
    assert_eq!(code(world.try_end(&carol, group).await), ErrorCode::Forbidden, "not an admin");
    world.try_end(&bob, group).await.expect("the creator is suspended");

    world.change(Change::Status(alice.clone(), AgentStatus::Active)).await;
    let group = world.group(&[&alice, &bob]).await;
    world.try_leave(&alice, group).await.expect("left");
    assert_eq!(code(world.try_end(&alice, group).await), ErrorCode::GroupNotFound);
    world.bring(&bob, group, &alice).await;
    assert_eq!(code(world.try_end(&bob, group).await), ErrorCode::Forbidden, "the creator is back");
    world.try_end(&alice, group).await.expect("a member, and the creator");
}

/// Mutes a group for an agent.
struct MuteGroup(Agent, agentchat_protocol::id::ConversationId);

impl Write for MuteGroup {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let seat = tx.membership(self.0.key, self.1).await?.expect("a seat");
        tx.set_mute(self.0.key, MuteSubject::Conversation(seat.key), None, 0).await
    }
}

#[store_test]
async fn a_muted_group_ends_aloud(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let group = world.group(&[&alice, &bob]).await;
    world.store.write(MuteGroup(bob.clone(), group)).await.expect("muted");
    world.speak(&alice, group, "not heard").await;
    let ended = world.try_end(&alice, group).await.expect("ended");
    assert!(!ended.posted.deliveries[0].quiet);
    let quiet: Vec<bool> = world.pending(&bob, 0, 9).await.iter().map(|row| row.quiet).collect();
    assert_eq!(quiet.last(), Some(&false));
}
