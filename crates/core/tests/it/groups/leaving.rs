//! Leaving: promotion, and the group that nobody is left in.

use agentchat_protocol::error::ErrorCode;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

use super::{ranks, said};
use crate::world::{World, code, refusal};

#[store_test]
async fn whoever_leaves_is_out_and_owed_nothing(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let group = world.group(&[&alice, &bob]).await;
    world.speak(&alice, group, "to bob").await;
    world.ack_all(&alice).await;
    let left = world.try_leave(&bob, group).await.expect("left");
    assert_eq!((left.promoted, left.posted.len()), (None, 1));
    assert_eq!(left.posted[0].message.sender.as_str(), "bob");
    assert_eq!(world.queue(&alice).await, ["member_left bob"]);
    assert_eq!(world.undelivered(&bob).await, 0);
    assert_eq!(code(world.try_leave(&bob, group).await), ErrorCode::GroupNotFound);
    assert_eq!(world.show(&alice, group).await.member_count, 1);
}

#[store_test]
async fn the_longest_member_follows_the_last_admin(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, zoe, dave) = (world.agent("alice").await, world.agent("zoe").await, world.agent("dave").await);
    let group = world.group(&[&alice, &zoe]).await;
    // At the same moment as Zoe, with the smaller handle.
    world.bring(&alice, group, &dave).await;
    world.ack_all(&zoe).await;
    let left = world.try_leave(&alice, group).await.expect("left");
    assert_eq!(left.promoted, Some(dave.handle.clone()));
    let told: Vec<_> =
        left.posted.iter().map(|posted| (said(&posted.message), posted.message.sender.clone())).collect();
    assert_eq!(told[0], ("member_left alice".to_owned(), alice.handle.clone()));
    assert_eq!(told[1], ("admin_promoted dave".to_owned(), dave.handle.clone()));
    assert!(left.posted[1].message.content.as_str().contains(r#""actor_handle":null"#));
    assert_eq!(world.queue(&zoe).await, ["member_left alice", "admin_promoted dave"]);
    assert_eq!(world.queue(&dave).await, ["member_left alice"], "its own promotion is its own message");
    let seen = world.show(&zoe, group).await;
    assert_eq!((ranks(&seen), seen.created_by.as_str()), (vec![("dave", true), ("zoe", false)], "alice"));
}

#[store_test]
async fn nobody_is_promoted_while_there_is_an_admin(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice, &bob, &carol]).await;
    world.promote(&alice, group, &carol).await;
    assert_eq!(world.try_leave(&alice, group).await.expect("left").promoted, None);
    assert_eq!(ranks(&world.show(&bob, group).await), [("bob", false), ("carol", true)]);
}

#[store_test]
async fn a_group_ends_with_its_last_member(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice, &bob]).await;
    let invite = world.invite(&alice, group, &carol).await;
    world.try_leave(&alice, group).await.expect("left");
    world.pass(1_000);
    let left = world.try_leave(&bob, group).await.expect("left");
    assert_eq!((left.promoted, left.posted.len()), (None, 0));
    for agent in [&alice, &bob] {
        let gone = refusal(world.try_show(agent, group).await);
        assert_eq!(gone.code, ErrorCode::GroupDeleted);
        let details = gone.details.expect("details");
        assert_eq!(details["deleted_by_handle"], "bob");
        assert_eq!(details["deleted_at"], serde_json::json!(world.now()));
    }
    assert_eq!(code(world.try_show(&carol, group).await), ErrorCode::GroupNotFound);
    assert!(world.invites(&carol).await.is_empty());
    assert_eq!(code(world.try_accept(&carol, invite, 256).await), ErrorCode::InviteNotFound);
    assert_eq!(world.claim_job().await, None, "there is nobody to tell");
}
