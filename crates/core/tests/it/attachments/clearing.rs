//! Slots that stay empty go; objects that nothing refers to are deleted once, by one.

use agentchat_core::attachments::{ForgetObject, ObjectsDue, TakeObject};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Engine;
use agentchat_store::tables::attachment_object;
use agentchat_store_test::store_test;
use serde_json::json;

use super::HOUR;
use crate::world::World;

impl World {
    pub(super) async fn due(&self) -> Vec<String> {
        self.store.read(ObjectsDue { now: self.now(), most: 100 }).await.expect("names")
    }

    pub(super) async fn take(&self, name: &str) -> bool {
        self.take_at(name, self.now()).await
    }

    async fn take_at(&self, name: &str, now: Timestamp) -> bool {
        self.store.write(TakeObject { name: name.to_owned(), now }).await.expect("an answer")
    }

    pub(super) async fn deleted(&self, name: &str) {
        self.store.write(ForgetObject { name: name.to_owned() }).await.expect("it is written down");
    }
}

#[store_test]
async fn an_empty_slot_goes_an_hour_after_its_address(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, _bob) = (world.agent("alice").await, world.agent("bob").await);
    let (empty, full) =
        (world.slot(&alice, json!({ "to": "bob" })).await, world.slot(&alice, json!({ "to": "bob" })).await);
    assert!(world.fill(full).await);
    world.pass(3 * HOUR - 1);
    assert_eq!(world.purge().await, 0);
    world.pass(1);
    assert_eq!(world.purge().await, 1);
    assert_eq!(world.purge().await, 0);
    assert!(!world.is_there(empty).await);
    assert!(world.is_there(full).await);
    // An upload that was still on its way comes too late, and what it left is deleted.
    assert!(!world.fill(empty).await);
    assert_eq!(world.due().await, [attachment_object(empty)]);
}

#[store_test]
async fn an_object_is_deleted_by_one(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, _bob) = (world.agent("alice").await, world.agent("bob").await);
    let name = attachment_object(world.slot(&alice, json!({ "to": "bob" })).await);
    world.pass(3 * HOUR);
    world.purge().await;
    assert!(world.take(&name).await);
    assert!(!world.take(&name).await, "somebody has it");
    assert!(world.due().await.is_empty());
    // Who took it may have crashed.
    world.pass(10 * 60 * 1000);
    assert_eq!(world.due().await, std::slice::from_ref(&name));
    assert!(world.take(&name).await);
    world.deleted(&name).await;
    world.pass(HOUR);
    assert!(world.due().await.is_empty());
    assert!(!world.take(&name).await);
}
