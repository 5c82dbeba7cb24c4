//! Pictures that nothing refers to any more, or not yet, and those that somebody does.

use agentchat_core::agents::ShowMe;
use agentchat_core::avatars::{ClearAgentAvatar, ExpectAvatar, SetAgentAvatar, SetGroupAvatar};
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_store::Engine;
use agentchat_store::tables::avatar_object;
use agentchat_store_test::store_test;

use super::HOUR;
use crate::world::{Agent, World};

const DAY: i64 = 24 * HOUR;

impl World {
    async fn expect_avatar(&self, avatar: &str) -> bool {
        self.store.write(ExpectAvatar { avatar: avatar.to_owned(), now: self.now() }).await.expect("an answer")
    }

    /// As a request does: expected, stored, referred to.
    async fn wear(&self, agent: &Agent, avatar: &str) {
        assert!(self.expect_avatar(avatar).await);
        let operation = SetAgentAvatar { agent: agent.key, avatar: avatar.to_owned(), now: self.now() };
        self.store.write(operation).await.expect("it is set");
    }

    async fn hang(&self, admin: &Agent, group: ConversationId, avatar: &str) {
        assert!(self.expect_avatar(avatar).await);
        let message = MessageId::from_bytes(self.id());
        let avatar = avatar.to_owned();
        let operation = SetGroupAvatar { caller: admin.key, group, avatar, message, now: self.now() };
        self.store.write(operation).await.expect("it is set");
    }

    async fn avatar(&self, agent: &Agent) -> Option<String> {
        self.store.read(ShowMe { agent: agent.key }).await.expect("a record").avatar_url
    }
}

#[store_test]
async fn what_is_replaced_may_be_fetched_for_another_day(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    world.wear(&alice, "a/1").await;
    world.pass(30 * DAY);
    assert!(world.due().await.is_empty(), "what is shown is kept");
    world.wear(&alice, "a/2").await;
    assert_eq!(world.avatar(&alice).await.as_deref(), Some("/avatars/a/2"));
    world.pass(DAY - 1);
    assert!(world.due().await.is_empty());
    world.pass(1);
    assert_eq!(world.due().await, [avatar_object("a/1")]);
    world.store.write(ClearAgentAvatar { agent: alice.key, now: world.now() }).await.expect("it is cleared");
    world.pass(DAY);
    assert_eq!(world.due().await, [avatar_object("a/1"), avatar_object("a/2")]);
}

#[store_test]
async fn what_comes_back_is_kept(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    world.wear(&alice, "a/1").await;
    world.wear(&alice, "a/2").await;
    world.wear(&alice, "a/1").await;
    world.wear(&alice, "a/1").await;
    world.pass(2 * DAY);
    assert_eq!(world.due().await, [avatar_object("a/2")]);
}

#[store_test]
async fn what_was_stored_for_nothing_goes(engine: Engine) {
    let world = World::new(engine).await;
    assert!(world.expect_avatar("a/1").await);
    world.pass(DAY);
    assert_eq!(world.due().await, [avatar_object("a/1")]);
}

#[store_test]
async fn nobody_stores_what_is_being_deleted(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    world.wear(&alice, "a/1").await;
    world.wear(&alice, "a/2").await;
    world.pass(DAY);
    let name = avatar_object("a/1");
    assert!(world.take(&name).await);
    assert!(!world.expect_avatar("a/1").await);
    world.deleted(&name).await;
    world.wear(&alice, "a/1").await;
    assert!(!world.take(&name).await, "it is shown");
}

#[store_test]
async fn nobody_deletes_what_is_about_to_be_shown(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    world.wear(&alice, "a/1").await;
    world.wear(&alice, "a/2").await;
    world.pass(DAY);
    assert!(world.expect_avatar("a/1").await);
    assert!(!world.take(&avatar_object("a/1")).await);
}

#[store_test]
async fn a_deleted_accounts_picture_goes_at_once(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    world.wear(&alice, "a/1").await;
    world.end_account(&alice).await;
    assert_eq!(world.due().await, [avatar_object("a/1")]);
}

#[store_test]
async fn an_ended_groups_picture_goes_with_what_is_left_of_it(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let group = world.group(&[&alice, &bob]).await;
    world.hang(&alice, group, "g/1").await;
    world.hang(&alice, group, "g/2").await;
    world.try_end(&alice, group).await.expect("it ends");
    world.finish_jobs().await;
    assert_eq!(world.due().await, [avatar_object("g/2")]);
}
