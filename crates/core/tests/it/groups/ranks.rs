//! Promoting, demoting, kicking.

use agentchat_core::groups::Rank;
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::conversation::GroupRole;
use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use super::{ranks, said};
use crate::world::{Change, World, code};

#[store_test]
async fn admins_make_admins_and_members_again(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice, &bob, &carol]).await;
    let rank = async |by, handle, to| world.try_rank(by, group, handle, to).await;
    assert_eq!(code(rank(&bob, "carol", Rank::Admin).await), ErrorCode::Forbidden);
    assert_eq!(code(rank(&alice, "nobody", Rank::Admin).await), ErrorCode::AgentNotFound);
    world.agent("dave").await;
    assert_eq!(code(rank(&alice, "dave", Rank::Admin).await), ErrorCode::NotMember);
    let told = rank(&alice, "bob", Rank::Admin).await.expect("promoted");
    assert_eq!((said(&told.message).as_str(), told.message.sender.as_str()), ("admin_promoted bob", "alice"));
    assert_eq!(told.deliveries.len(), 2);
    assert_eq!(code(rank(&alice, "bob", Rank::Admin).await), ErrorCode::NotMember, "already");
    assert_eq!(world.show(&bob, group).await.your_role, GroupRole::Admin);

    assert_eq!(code(rank(&bob, "alice", Rank::Member).await), ErrorCode::Forbidden, "the creator");
    assert_eq!(code(rank(&bob, "carol", Rank::Member).await), ErrorCode::NotAdmin);
    assert_eq!(code(rank(&bob, "dave", Rank::Member).await), ErrorCode::NotMember);
    assert_eq!(said(&rank(&bob, "bob", Rank::Member).await.expect("demoted").message), "admin_demoted bob");
    assert_eq!(ranks(&world.show(&bob, group).await), [("alice", true), ("bob", false), ("carol", false)]);
}

#[store_test]
async fn the_last_admin_stays_one(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice, &bob, &carol]).await;
    world.try_leave(&alice, group).await.expect("left");
    assert_eq!(code(world.try_rank(&bob, group, "bob", Rank::Member).await), ErrorCode::LastAdmin);
    world.promote(&bob, group, &carol).await;
    world.try_rank(&carol, group, "bob", Rank::Member).await.expect("demoted");
    assert_eq!(code(world.try_rank(&carol, group, "carol", Rank::Member).await), ErrorCode::LastAdmin);
}

#[store_test]
async fn whoever_is_kicked_is_out_and_owed_nothing(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice, &bob, &carol]).await;
    world.say(&alice, &bob, "apart from the group").await;
    world.speak(&alice, group, "to all").await;
    assert_eq!(world.queue(&bob).await, ["member_joined carol", "apart from the group", "to all"]);
    assert_eq!(code(world.try_kick(&bob, group, "carol").await), ErrorCode::Forbidden);
    let told = world.try_kick(&alice, group, "bob").await.expect("kicked");
    assert_eq!(said(&told.message), "member_removed bob");
    assert_eq!(told.deliveries.iter().map(|delivery| delivery.recipient).collect::<Vec<_>>(), [carol.key]);
    assert_eq!(told.message.context.conversation.member_count, Some(2));
    assert_eq!((world.queue(&bob).await, world.undelivered(&bob).await), (vec!["apart from the group".to_owned()], 1));
    assert_eq!(code(world.try_show(&bob, group).await), ErrorCode::GroupNotFound);
    assert_eq!(code(world.try_speak(&bob, group, "still here?").await), ErrorCode::GroupNotFound);
    assert_eq!(ranks(&world.show(&carol, group).await), [("alice", true), ("carol", false)]);
    assert_eq!(world.show(&carol, group).await.member_count, 2);

    assert_eq!(code(world.try_kick(&alice, group, "bob").await), ErrorCode::NotMember);
    assert_eq!(code(world.try_kick(&alice, group, "nobody").await), ErrorCode::AgentNotFound);
    assert_eq!(code(world.try_kick(&alice, group, "alice").await), ErrorCode::ValidationError);
    world.promote(&alice, group, &carol).await;
    assert_eq!(code(world.try_kick(&carol, group, "alice").await), ErrorCode::Forbidden, "the creator");
}

#[store_test]
async fn a_suspended_member_can_be_kicked(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let group = world.group(&[&alice, &bob]).await;
    world.change(Change::Status(bob.clone(), AgentStatus::Suspended)).await;
    assert_eq!(world.show(&alice, group).await.member_count, 2);
    assert_eq!(code(world.try_rank(&alice, group, "bob", Rank::Admin).await), ErrorCode::AgentNotFound);
    world.try_kick(&alice, group, "bob").await.expect("kicked");
    assert_eq!(world.show(&alice, group).await.member_count, 1);
}
