//! Making, showing, deleting webhooks; their secrets.

use agentchat_core::jobs::Progress;
use agentchat_core::replies::{ClearWake, SetWake};
use agentchat_core::webhooks::{
    FindAddress, ListDeliveries, ListWebhooks, ReplayDelivery, RotateWebhookSecret, ShowWebhook,
};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::{WebhookDeliveryId, WebhookId};
use agentchat_protocol::webhook::{Webhook, WebhookCircuit, WebhookEvent};
use agentchat_store::Engine;
use agentchat_store::tables::{WANTS_EVENTS, WANTS_MESSAGES, WANTS_WAKING};
use agentchat_store_test::store_test;
use serde_json::json;

use crate::world::{Agent, World, code, refusal};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn list(world: &World, agent: &Agent) -> Vec<Webhook> {
    world.store.read(ListWebhooks { agent: agent.key, now: world.now() }).await.expect("a list").webhooks
}

async fn secrets(world: &World, agent: &Agent, webhook: WebhookId) -> Vec<String> {
    let operation = FindAddress { agent: agent.key, webhook: Some(webhook), now: world.now() };
    world.store.read(operation).await.expect("an address").secrets
}

#[store_test]
async fn a_webhook_is_made_listed_and_deleted(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let first = world.hooked(&alice, &[WebhookEvent::MessageNew, WebhookEvent::GroupDeleted]).await;
    let expected = Webhook {
        id: first.id,
        url: "https://hooks.example.com/a".to_owned(),
        events: vec![WebhookEvent::MessageNew, WebhookEvent::GroupDeleted],
        active: true,
        created_at: world.now(),
        disabled_reason: None,
        circuit: WebhookCircuit::Closed,
    };
    assert_eq!(first, expected);
    world.pass(5);
    let second = world.hooked(&alice, &[WebhookEvent::PresenceUpdate]).await;
    assert_eq!(list(&world, &alice).await, [first.clone(), second.clone()]);
    assert!(list(&world, &bob).await.is_empty());
    let shown = ShowWebhook { agent: alice.key, webhook: Some(first.id), now: world.now() };
    assert_eq!(world.store.read(shown).await.expect("a webhook"), first);
    assert_eq!(code(world.unhook(&bob, &first).await), ErrorCode::NotFound);
    world.unhook(&alice, &first).await.expect("deleted");
    assert_eq!(list(&world, &alice).await, [second]);
    assert_eq!(code(world.unhook(&alice, &first).await), ErrorCode::NotFound);
}

#[store_test]
async fn what_is_not_the_callers_is_not_there(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let hook = world.hooked(&alice, &[WebhookEvent::MessageNew]).await;
    world.say(&bob, &alice, "hello").await;
    let owed = WebhookDeliveryId::from_bytes(world.owed(&alice).await[0].id);
    for (agent, webhook) in
        [(bob.key, Some(hook.id)), (alice.key, None), (alice.key, Some(WebhookId::from_bytes([9; 16])))]
    {
        let now = world.now();
        assert_eq!(code(world.store.read(ShowWebhook { agent, webhook, now }).await), ErrorCode::NotFound);
        let rotate = RotateWebhookSecret { agent, webhook, secret: "whsec_x".into(), now };
        assert_eq!(code(world.store.write(rotate).await), ErrorCode::NotFound);
        let page = ListDeliveries { agent, webhook, status: None, before: None, limit: 50 };
        assert_eq!(code(world.store.read(page).await), ErrorCode::NotFound);
        let id = WebhookDeliveryId::from_bytes(world.id());
        let replay = ReplayDelivery { agent, webhook, delivery: Some(owed), id, now };
        assert_eq!(code(world.store.write(replay).await), ErrorCode::NotFound);
    }
}

#[store_test]
async fn an_agent_has_five(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let mut hooks = Vec::new();
    for _ in 0..5 {
        hooks.push(world.hooked(&alice, &[WebhookEvent::MessageNew]).await);
    }
    let sixth = world.hook(&alice, "https://hooks.example.com", &[WebhookEvent::MessageNew]);
    let refused = refusal(world.store.write(sixth.clone()).await);
    assert_eq!((refused.code, refused.details), (ErrorCode::LimitReached, Some(json!({ "limit": 5 }))));
    world.hooked(&bob, &[WebhookEvent::MessageNew]).await;
    world.unhook(&alice, &hooks[0]).await.expect("deleted");
    world.store.write(sixth).await.expect("there is room again");
}

#[store_test]
async fn five_at_once_are_five(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    let made = (0..8).map(|_| {
        let store = world.store.clone();
        let operation = world.hook(&alice, "https://hooks.example.com", &[WebhookEvent::MessageNew]);
        tokio::spawn(async move { store.write(operation).await.is_ok() })
    });
    let mut succeeded = 0;
    for one in made.collect::<Vec<_>>() {
        succeeded += usize::from(one.await.expect("no panic"));
    }
    assert_eq!((succeeded, list(&world, &alice).await.len()), (5, 5));
}

#[store_test]
async fn the_secret_before_signs_for_a_day(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    let hook = world.hooked(&alice, &[WebhookEvent::MessageNew]).await;
    let first = secrets(&world, &alice, hook.id).await;
    assert_eq!(first.len(), 1);
    let rotate = |secret: &str| RotateWebhookSecret {
        agent: alice.key,
        webhook: Some(hook.id),
        secret: secret.to_owned(),
        now: world.now(),
    };
    assert_eq!(world.store.write(rotate("whsec_two")).await.expect("rotated"), hook.id);
    assert_eq!(secrets(&world, &alice, hook.id).await, ["whsec_two", &first[0]]);
    world.pass(DAY_MS - 1);
    assert_eq!(secrets(&world, &alice, hook.id).await, ["whsec_two", &first[0]]);
    world.pass(1);
    assert_eq!(secrets(&world, &alice, hook.id).await, ["whsec_two"]);
    world.store.write(rotate("whsec_three")).await.expect("rotated");
    world.store.write(rotate("whsec_four")).await.expect("rotated");
    assert_eq!(secrets(&world, &alice, hook.id).await, ["whsec_four", "whsec_three"]);
}

#[store_test]
async fn the_inbox_says_what_webhooks_want(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    assert_eq!(world.hooks(&alice).await, 0);
    let events = world.hooked(&alice, &[WebhookEvent::MessageRead]).await;
    assert_eq!(world.hooks(&alice).await, WANTS_EVENTS);
    let messages = world.hooked(&alice, &[WebhookEvent::MessageNew]).await;
    let wake =
        SetWake { agent: alice.key, url: "https://wake.example.com".into(), secret: "s".into(), now: world.now() };
    world.store.write(wake).await.expect("set");
    assert_eq!(world.hooks(&alice).await, WANTS_EVENTS | WANTS_MESSAGES | WANTS_WAKING);
    world.unhook(&alice, &events).await.expect("deleted");
    assert_eq!(world.hooks(&alice).await, WANTS_MESSAGES | WANTS_WAKING);
    world.store.write(ClearWake(alice.key)).await.expect("cleared");
    assert_eq!(world.hooks(&alice).await, WANTS_MESSAGES);
    world.unhook(&alice, &messages).await.expect("deleted");
    assert_eq!((world.hooks(&alice).await, world.hooks(&bob).await), (0, 0));
}

#[store_test]
async fn deleted_webhooks_are_owed_nothing(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = (world.agent("alice").await, world.agent("bob").await);
    let hook = world.hooked(&alice, &[WebhookEvent::MessageNew]).await;
    let kept = world.hooked(&alice, &[WebhookEvent::MessageNew]).await;
    world.say(&alice, &bob, "hello").await;
    for text in ["one", "two", "three"] {
        world.say(&bob, &alice, text).await;
    }
    assert_eq!(world.queue_depth().await, 6);
    world.unhook(&alice, &hook).await.expect("deleted");
    world.say(&bob, &alice, "four").await;
    let job = world.claim_job().await.expect("a job");
    assert_eq!(world.advance(job, 2, false).await.progress, Progress::More);
    assert_eq!(world.advance(job, 2, false).await.progress, Progress::Finished);
    assert_eq!((world.queue_depth().await, world.owed(&alice).await.len()), (4, 4));
    assert_eq!(list(&world, &alice).await, [kept]);
}

#[store_test]
async fn an_account_takes_its_webhooks_along(engine: Engine) {
    let world = World::new(engine).await;
    let (alice, bob) = world.acquainted("alice", "bob").await;
    world.hooked(&alice, &[WebhookEvent::MessageNew]).await;
    world.hooked(&alice, &[WebhookEvent::MessageRead]).await;
    world.say(&bob, &alice, "one").await;
    assert_eq!(world.queue_depth().await, 1);
    world.end_account(&alice).await;
    assert!(list(&world, &alice).await.is_empty());
    assert_eq!(world.hooks(&alice).await, 0);
    world.finish_jobs().await;
    assert_eq!(world.queue_depth().await, 0);
    let late = world.hook(&alice, "https://hooks.example.com", &[WebhookEvent::MessageNew]);
    assert_eq!(code(world.store.write(late).await), ErrorCode::Unauthorized);
}
