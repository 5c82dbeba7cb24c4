//! The call that wakes an agent that is not there (wire.md §18).

use agentchat_core::webhooks::deliver::TakeWake;
use agentchat_protocol::id::WebhookDeliveryId;
use agentchat_store::key::AgentKey;
use serde_json::json;

use super::attempt::{Call, attempt};
use crate::app::App;

/// Wakes an agent for a message that was stored just now, unless somebody is there for it or it was woken a moment ago.
/// One attempt: the message waits in any case.
pub(crate) fn wake_agent(app: &App, agent: AgentKey) {
    if app.hub.connections(agent) > 0 || app.is_draining() {
        return;
    }
    let shared = app.clone();
    app.spawn(async move {
        if let Err(error) = wake(&shared, agent).await {
            tracing::warn!(%error, "an agent is not woken");
        }
    });
}

async fn wake(app: &App, agent: AgentKey) -> Result<(), agentchat_core::Error> {
    let now = app.clock.now();
    let Some(wake) = app.store.write_own(TakeWake { agent, now }).await? else { return Ok(()) };
    let body = json!({ "event": "wake", "agent": wake.handle, "unread": wake.unread }).to_string();
    let call = Call {
        url: wake.url,
        secrets: vec![wake.secret],
        event: "wake".to_owned(),
        delivery: WebhookDeliveryId::from_bytes(app.entropy.uuid_v7(now)),
        body,
        trace: None,
        now,
    };
    let outcome = attempt(app, call).await;
    let word = if outcome.ok() { "woken" } else { "not_woken" };
    metrics::counter!("agentchat_wake_calls_total", "outcome" => word).increment(1);
    Ok(())
}
