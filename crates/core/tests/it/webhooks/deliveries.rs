//! What was owed, as it is shown; replays of what was given up; circuits.

use agentchat_core::Error;
use agentchat_core::webhooks::{ListDeliveries, ListWebhooks, ReplayDelivery};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::WebhookDeliveryId;
use agentchat_protocol::webhook::{
    Webhook, WebhookCircuit, WebhookDeliveries, WebhookDelivery, WebhookDeliveryStatus, WebhookDisabledReason,
    WebhookEvent,
};
use agentchat_store::key::AgentKey;
use agentchat_store::tables::Breaker;
use agentchat_store::{Engine, StoreError, Tx, Write};
use agentchat_store_test::store_test;
use serde_json::json;

use crate::world::{Agent, World, code, refusal};

/// What a deliverer does to all webhooks of an agent.
struct Deliverer {
    agent: AgentKey,
    deed: Deed,
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    /// Gives up what they are owed.
    Bury,
    /// Learns that their receivers are gone.
    Retire,
    /// Opens or closes their circuits.
    Circuit(Option<i64>),
}

impl Write for Deliverer {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        for webhook in tx.webhooks_of(self.agent).await? {
            match self.deed {
                Deed::Bury => tx.bury_calls(webhook.key, "no answer").await?,
                Deed::Retire => tx.retire_webhook(webhook.key).await?,
                Deed::Circuit(opened_until) => {
                    tx.set_breaker(webhook.key, &Breaker { opened_until, ..Breaker::default() }).await?;
                }
            }
        }
        Ok(())
    }
}

impl World {
    async fn call_webhooks(&self, agent: &Agent, deed: Deed) {
        self.store.write(Deliverer { agent: agent.key, deed }).await.expect("done");
    }

    async fn webhook_page(&self, page: &ListDeliveries) -> WebhookDeliveries {
        self.store.read(page.clone()).await.expect("a page")
    }

    async fn replay_call(&self, agent: &Agent, dead: &WebhookDelivery) -> Result<WebhookDelivery, Error> {
        let id = WebhookDeliveryId::from_bytes(self.id());
        let (webhook, delivery) = (Some(dead.webhook_id), Some(dead.id));
        self.store.write(ReplayDelivery { agent: agent.key, webhook, delivery, id, now: self.now() }).await
    }

    async fn shown_webhook(&self, agent: &Agent) -> Webhook {
        let list = self.store.read(ListWebhooks { agent: agent.key, now: self.now() }).await.expect("a list");
        list.webhooks.into_iter().next().expect("a webhook")
    }
}

/// Alice, her webhook's first page, and that she was blocked twice and written to once.
async fn owed(engine: Engine) -> (World, Agent, ListDeliveries) {
    let world = World::new(engine).await;
    let (alice, bob, carol) = (world.agent("alice").await, world.agent("bob").await, world.agent("carol").await);
    let hook = world.hooked(&alice, &[WebhookEvent::MessageNew, WebhookEvent::ContactBlocked]).await;
    world.say(&bob, &alice, "hello").await;
    for blocker in [&bob, &carol] {
        world.pass(1);
        world.block(blocker, &alice).await.expect("blocked");
    }
    let page = ListDeliveries { agent: alice.key, webhook: Some(hook.id), status: None, before: None, limit: 100 };
    (world, alice, page)
}

#[store_test]
async fn what_is_owed_is_shown_newest_first(engine: Engine) {
    let (world, alice, page) = owed(engine).await;
    let all = world.webhook_page(&page).await;
    let events: Vec<_> = all.deliveries.iter().map(|delivery| delivery.event.as_str()).collect();
    assert_eq!(events, ["contact.blocked", "contact.blocked", "message.new"]);
    let newest = WebhookDelivery {
        id: all.deliveries[0].id,
        webhook_id: page.webhook.expect("an id"),
        event: WebhookEvent::ContactBlocked,
        status: WebhookDeliveryStatus::Pending,
        attempts: 0,
        next_attempt_at: Some(world.now()),
        last_attempt_at: None,
        last_status_code: None,
        last_error: None,
        created_at: world.now(),
        delivered_at: None,
        replayed_as: None,
    };
    assert_eq!((&all.deliveries[0], all.next_before), (&newest, None));
    let first = world.webhook_page(&ListDeliveries { limit: 2, ..page.clone() }).await;
    assert_eq!((&first.deliveries[..], first.next_before), (&all.deliveries[..2], Some(all.deliveries[1].id)));
    let second = world.webhook_page(&ListDeliveries { limit: 2, before: first.next_before, ..page.clone() }).await;
    assert_eq!((&second.deliveries[..], second.next_before), (&all.deliveries[2..], None));
    let whole = world.webhook_page(&ListDeliveries { limit: 3, ..page.clone() }).await;
    assert_eq!(whole, all, "a full page is not followed by an empty one");
    world.call_webhooks(&alice, Deed::Bury).await;
    world.say(&world.agent("dave").await, &alice, "hello").await;
    for (status, count) in [(WebhookDeliveryStatus::Dead, 3), (WebhookDeliveryStatus::Pending, 1)] {
        let of = world.webhook_page(&ListDeliveries { status: Some(status), ..page.clone() }).await;
        assert_eq!(of.deliveries.len(), count);
    }
    let failed = ListDeliveries { status: Some(WebhookDeliveryStatus::Failed), ..page };
    assert!(world.webhook_page(&failed).await.deliveries.is_empty());
}

#[store_test]
async fn a_dead_delivery_is_replayed_once(engine: Engine) {
    let (world, alice, page) = owed(engine).await;
    let pending = world.webhook_page(&page).await.deliveries;
    assert_eq!(code(world.replay_call(&alice, &pending[0]).await), ErrorCode::ValidationError, "it is not dead");
    world.call_webhooks(&alice, Deed::Bury).await;
    world.pass(5);
    let dead = world.webhook_page(&page).await.deliveries;
    let expected = (WebhookDeliveryStatus::Dead, None, Some("no answer"));
    assert_eq!((dead[0].status.clone(), dead[0].next_attempt_at, dead[0].last_error.as_deref()), expected);
    for one in [&dead[0], &dead[2]] {
        let fresh = world.replay_call(&alice, one).await.expect("replayed");
        let expected = WebhookDelivery {
            id: fresh.id,
            status: WebhookDeliveryStatus::Pending,
            next_attempt_at: Some(world.now()),
            last_error: None,
            created_at: world.now(),
            ..one.clone()
        };
        assert_eq!(fresh, expected);
        assert_ne!(fresh.id, one.id);
        let again = refusal(world.replay_call(&alice, one).await);
        assert_eq!(again.code, ErrorCode::AlreadyReplayed);
        assert_eq!(again.details, Some(json!({ "replayed_as": fresh.id })));
    }
    let rows = world.owed(&alice).await;
    let said = |place: usize| (rows[place].event, rows[place].message, rows[place].data.clone());
    assert_eq!((said(3), said(4)), (said(2), said(0)), "they say the same");
    let shown = world.webhook_page(&page).await.deliveries;
    assert_eq!(shown[2].replayed_as, Some(shown[1].id));
}

#[store_test]
async fn many_replays_at_once_are_one(engine: Engine) {
    let (world, alice, page) = owed(engine).await;
    world.call_webhooks(&alice, Deed::Bury).await;
    let dead = world.webhook_page(&page).await.deliveries.remove(0);
    let replays = (0..6).map(|_| {
        let (store, now) = (world.store.clone(), world.now());
        let id = WebhookDeliveryId::from_bytes(world.id());
        let (webhook, delivery) = (Some(dead.webhook_id), Some(dead.id));
        let operation = ReplayDelivery { agent: alice.key, webhook, delivery, id, now };
        tokio::spawn(async move { store.write(operation).await.is_ok() })
    });
    let mut replayed = 0;
    for one in replays.collect::<Vec<_>>() {
        replayed += usize::from(one.await.expect("no panic"));
    }
    assert_eq!((replayed, world.owed(&alice).await.len()), (1, 4));
}

#[store_test]
async fn nothing_is_replayed_to_who_is_gone(engine: Engine) {
    let (world, alice, page) = owed(engine).await;
    world.call_webhooks(&alice, Deed::Bury).await;
    let dead = world.webhook_page(&page).await.deliveries;
    world.replay_call(&alice, &dead[0]).await.expect("replayed");
    world.call_webhooks(&alice, Deed::Retire).await;
    let shown = world.shown_webhook(&alice).await;
    assert_eq!((shown.active, shown.disabled_reason), (false, Some(WebhookDisabledReason::Gone)));
    for one in &dead[..2] {
        let refused = refusal(world.replay_call(&alice, one).await);
        assert_eq!(refused.code, ErrorCode::ValidationError, "before what was replayed");
        assert!(refused.details.expect("details")["fieldErrors"]["id"].is_array());
    }
}

#[store_test]
async fn a_circuit_is_open_for_a_while(engine: Engine) {
    let world = World::new(engine).await;
    let alice = world.agent("alice").await;
    world.hooked(&alice, &[WebhookEvent::MessageNew]).await;
    world.call_webhooks(&alice, Deed::Circuit(Some(world.now().as_millis() + 300_000))).await;
    assert_eq!(world.shown_webhook(&alice).await.circuit, WebhookCircuit::Open);
    world.pass(299_999);
    assert_eq!(world.shown_webhook(&alice).await.circuit, WebhookCircuit::Open);
    world.pass(1);
    assert_eq!(world.shown_webhook(&alice).await.circuit, WebhookCircuit::HalfOpen);
    world.call_webhooks(&alice, Deed::Circuit(None)).await;
    assert_eq!(world.shown_webhook(&alice).await.circuit, WebhookCircuit::Closed);
}
