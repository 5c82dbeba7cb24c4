//! A group as its members see it, and changes of its profile.

use agentchat_protocol::conversation::GroupRole;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::ConversationId;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use super::{RULES, ranks, said};
use crate::world::{World, code, refusal};

#[store_test]
async fn a_new_group_has_its_creator(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    let body = json!({ "name": " ops ", "description": "line\nline", "avatar_url": "https://example.com/a.png" });
    let created = world.create_group(&alice, body, RULES).await.answer.group;
    assert_eq!((created.name.as_str(), created.description.as_deref()), ("ops", Some("line\nline")));
    assert_eq!(created.avatar_url.as_deref(), Some("https://example.com/a.png"));
    assert_eq!((created.created_by.as_str(), created.member_count), ("alice", 1));
    assert_eq!((created.created_at, created.last_message_at), (world.now(), None));
    assert_eq!((ranks(&created), created.your_role.clone()), (vec![("alice", true)], GroupRole::Admin));
    assert_eq!(created.members[0].display_name.as_deref(), Some("ALICE"));
    assert_eq!(world.show(&alice, created.id).await, created);
    assert_eq!(world.conversations(&alice).await.len(), 1);
}

#[store_test]
async fn members_stand_in_the_order_they_came(engine: Engine) {
    let world = World::new(engine).await;
    let (zoe, bob, alice) = (world.agent("zoe").await, world.agent("bob").await, world.agent("alice").await);
    let group = world.group(&[&zoe, &bob]).await;
    // At the same moment as Bob.
    world.bring(&zoe, group, &alice).await;
    let seen = world.show(&bob, group).await;
    assert_eq!(ranks(&seen), [("zoe", true), ("alice", false), ("bob", false)]);
    assert_eq!((seen.member_count, seen.your_role), (3, GroupRole::Member));
}

#[store_test]
async fn each_field_that_becomes_another_is_told(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let group = world.group(&[&alice, &bob]).await;
    world.pass(1_000);
    let all = json!({ "name": "night ops", "description": "after dark", "avatar_url": "https://example.com/n.png" });
    let updated = world.try_update(&alice, group, all.clone()).await.expect("changed");
    assert_eq!((updated.group.name.as_str(), updated.group.last_message_at), ("night ops", Some(world.now())));
    let told: Vec<_> = updated.posted.iter().map(|posted| said(&posted.message)).collect();
    assert_eq!(told, ["name_changed", "description_changed", "avatar_changed"]);
    assert_eq!(
        updated.posted[0].message.content.as_str().parse::<serde_json::Value>().expect("JSON"),
        json!({ "data": { "schema_version": 1, "event": "name_changed", "new_name": "night ops", "actor_handle": "alice" } })
    );
    assert_eq!(world.queue(&bob).await, told);
    assert_eq!(world.undelivered(&alice).await, 1, "only that Bob came");

    let again = world.try_update(&alice, group, all).await.expect("nothing to change");
    assert!(again.posted.is_empty());
    let cleared = json!({ "name": null, "description": "", "avatar_url": null });
    let updated = world.try_update(&alice, group, cleared).await.expect("changed");
    assert_eq!(updated.posted.len(), 2);
    assert_eq!(
        (updated.group.name.as_str(), updated.group.description, updated.group.avatar_url),
        ("night ops", None, None)
    );
}

#[store_test]
async fn only_admins_change_it(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let group = world.group(&[&alice, &bob]).await;
    assert_eq!(code(world.try_update(&bob, group, json!({ "name": "mine" })).await), ErrorCode::Forbidden);
    assert_eq!(code(world.try_update(&carol, group, json!({ "name": "mine" })).await), ErrorCode::GroupNotFound);
    let nowhere = ConversationId::group(world.id());
    assert_eq!(refusal(world.try_show(&carol, group).await), refusal(world.try_show(&carol, nowhere).await));
    let direct = world.say(&alice, &carol, "hello").await.conversation_id;
    assert_eq!(code(world.try_show(&alice, direct).await), ErrorCode::GroupNotFound);
}
