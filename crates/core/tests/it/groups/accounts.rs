//! The end of an account that is in groups, invited and inviting.

use agentchat_core::jobs::Progress;
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use super::{ranks, said};
use crate::world::{World, code, refusal};

#[store_test]
async fn an_ended_account_is_out_of_its_groups_at_once(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice, &bob, &carol]).await;
    for agent in [&alice, &bob, &carol] {
        world.ack_all(agent).await;
    }
    world.end_account(&alice).await;
    let seen = world.show(&bob, group).await;
    assert_eq!((seen.member_count, seen.members.len(), seen.created_by.as_str()), (2, 2, "alice"));
    world.speak(&bob, group, "still to carol").await;
    assert_eq!(world.undelivered(&alice).await, 0);

    let worked = world.finish_jobs().await;
    let posted: Vec<_> = worked.iter().flat_map(|one| &one.posted).map(|posted| said(&posted.message)).collect();
    assert_eq!(posted, ["member_left alice", "admin_promoted bob"]);
    assert_eq!(world.queue(&carol).await, ["still to carol", "member_left alice", "admin_promoted bob"]);
    assert_eq!(world.queue(&bob).await, ["member_left alice"]);
    let seen = world.show(&bob, group).await;
    assert_eq!((ranks(&seen), seen.member_count), (vec![("bob", true), ("carol", false)], 2));
    let left = &world.pending(&carol, 0, 9).await[1].message;
    assert_eq!((left.sender.as_str(), &left.context.sender.display_name), ("alice", &None));
}

#[store_test]
async fn every_group_is_left_one_by_one(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let mut groups = Vec::new();
    for _ in 0..5 {
        groups.push(world.group(&[&alice, &bob]).await);
    }
    let ended = world.group(&[&alice, &bob]).await;
    world.try_end(&alice, ended).await.expect("ended");
    let left = world.group(&[&bob, &alice]).await;
    world.try_leave(&alice, left).await.expect("left");
    world.ack_all(&bob).await;
    let job = world.end_account(&alice).await.job;
    while let Some(other) = world.claim_job().await {
        if other == job {
            break;
        }
        while world.advance(other, 500, true).await.progress == Progress::More {}
    }
    assert_eq!(world.advance(job, 500, true).await.posted.len(), 2, "one group a transaction");
    assert_eq!(world.queue(&bob).await.len(), 1);
    world.pass(61_000);
    world.finish_jobs().await;
    assert_eq!(world.queue(&bob).await, ["member_left alice"; 5]);
    for group in groups {
        assert_eq!(ranks(&world.show(&bob, group).await), [("bob", true)]);
    }
    assert_eq!(world.show(&bob, left).await.member_count, 1);
}

#[store_test]
async fn a_group_ends_with_the_account_that_was_alone_in_it(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice, &bob]).await;
    let invite = world.invite(&alice, group, &carol).await;
    world.try_leave(&bob, group).await.expect("left");
    world.end_account(&alice).await;
    for _ in ["at once", "when the job is done"] {
        let gone = refusal(world.try_show(&bob, group).await);
        assert_eq!(gone.code, ErrorCode::GroupDeleted);
        assert_eq!(gone.details.expect("details")["deleted_by_handle"], "alice");
        assert!(world.invites(&carol).await.is_empty());
        assert_eq!(code(world.try_accept(&carol, invite, 256).await), ErrorCode::InviteNotFound);
        let worked = world.finish_jobs().await;
        assert!(worked.iter().all(|one| one.posted.is_empty()));
    }
}

#[store_test]
async fn invitations_vanish_with_either_account(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice, &bob]).await;
    world.promote(&alice, group, &bob).await;
    let invite = world.invite(&bob, group, &carol).await;
    world.end_account(&bob).await;
    assert!(world.invites(&carol).await.is_empty());
    assert_eq!(code(world.try_accept(&carol, invite, 256).await), ErrorCode::InviteNotFound);
    let fresh = world.invite(&alice, group, &carol).await;
    assert_ne!(fresh, invite, "the old one is not taken for pending");
    world.finish_jobs().await;
    let invites = world.invites(&carol).await;
    assert_eq!((invites.len(), invites[0].id, invites[0].inviter_handle.as_str()), (1, fresh, "alice"));

    world.end_account(&carol).await;
    assert_eq!(code(world.try_accept(&carol, fresh, 256).await), ErrorCode::Unauthorized, "its key is dead");
    world.finish_jobs().await;
    assert!(world.invites(&carol).await.is_empty());
    assert_eq!(code(world.try_add(&alice, group, "carol").await), ErrorCode::AgentNotFound);
}

#[store_test]
async fn an_ended_account_cannot_leave_or_be_kicked_once_more(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let group = world.group(&[&alice, &bob]).await;
    world.end_account(&bob).await;
    assert_eq!(code(world.try_leave(&bob, group).await), ErrorCode::Unauthorized);
    assert_eq!(code(world.try_kick(&alice, group, "bob").await), ErrorCode::NotMember);
    assert_eq!(world.show(&alice, group).await.member_count, 1);
    world.finish_jobs().await;
    assert_eq!(world.show(&alice, group).await.member_count, 1);
}
