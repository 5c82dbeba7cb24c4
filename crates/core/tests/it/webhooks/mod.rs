//! Webhooks: who has which, what they are owed, what inboxes say of them.

mod deliveries;
mod events;
mod management;

use agentchat_core::Error;
use agentchat_core::webhooks::{CreateWebhook, DeleteWebhook};
use agentchat_protocol::id::WebhookId;
use agentchat_protocol::webhook::{NewWebhook, Webhook, WebhookEvent};
use agentchat_store::key::AgentKey;
use agentchat_store::tables::WebhookDeliveryRow;
use agentchat_store::{Read, StoreError, Tx};
use serde_json::Value;

use crate::world::{Agent, World};

impl World {
    pub(crate) fn hook(&self, agent: &Agent, url: &str, events: &[WebhookEvent]) -> CreateWebhook {
        CreateWebhook {
            agent: agent.key,
            id: WebhookId::from_bytes(self.id()),
            new: NewWebhook { url: url.to_owned(), events: events.to_vec() },
            secret: "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned(),
            limit: 5,
            now: self.now(),
        }
    }

    pub(crate) async fn hooked(&self, agent: &Agent, events: &[WebhookEvent]) -> Webhook {
        let operation = self.hook(agent, "https://hooks.example.com/a", events);
        self.store.write(operation).await.expect("the webhook is made")
    }

    pub(crate) async fn unhook(&self, agent: &Agent, webhook: &Webhook) -> Result<(), Error> {
        let operation = DeleteWebhook { agent: agent.key, webhook: Some(webhook.id), now: self.now() };
        self.store.write(operation).await
    }

    /// What the inbox says of the agent's webhooks.
    pub(crate) async fn hooks(&self, agent: &Agent) -> i64 {
        self.store.read(Hooks(agent.key)).await.expect("the inbox")
    }

    /// Calls that are owed to anybody.
    pub(crate) async fn queue_depth(&self) -> i64 {
        self.store.read(QueueDepth).await.expect("a count")
    }

    /// What the agent's webhooks are owed, oldest first.
    pub(crate) async fn owed(&self, agent: &Agent) -> Vec<WebhookDeliveryRow> {
        self.store.read(Owed(agent.key)).await.expect("the deliveries")
    }

    /// Events with what they say, in the order they were queued.
    pub(crate) async fn told(&self, agent: &Agent) -> Vec<(WebhookEvent, Value)> {
        let told = |row: WebhookDeliveryRow| {
            let data = row.data.map(|data| serde_json::from_str(&data).expect("JSON"));
            (WebhookEvent::of_bit(row.event).expect("an event"), data.unwrap_or_default())
        };
        self.owed(agent).await.into_iter().map(told).collect()
    }
}

struct Hooks(AgentKey);

impl Read for Hooks {
    type Out = i64;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, StoreError> {
        Ok(tx.inbox(self.0).await?.expect("an inbox").hooks)
    }
}

struct Owed(AgentKey);

impl Read for Owed {
    type Out = Vec<WebhookDeliveryRow>;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<WebhookDeliveryRow>, StoreError> {
        let mut rows = Vec::new();
        for webhook in tx.webhooks_of(self.0).await? {
            rows.extend(tx.deliveries_of(webhook.key, None, None, 1_000).await?);
        }
        rows.sort_by_key(|row| row.key);
        Ok(rows)
    }
}

struct QueueDepth;

impl Read for QueueDepth {
    type Out = i64;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, StoreError> {
        tx.webhook_queue_depth().await
    }
}
