//! `/v1/webhooks`: addresses that are called when something happens to the caller.

use agentchat_core::webhooks::{
    CreateWebhook, DeleteWebhook, FindAddress, ListDeliveries, ListWebhooks, ReplayDelivery, RotateWebhookSecret,
    ShowWebhook,
};
use agentchat_egress::check_url;
use agentchat_protocol::contact::Confirmed;
use agentchat_protocol::id::{WebhookDeliveryId, WebhookId};
use agentchat_protocol::validate::FieldErrors;
use agentchat_protocol::webhook::{
    NewWebhook, Webhook, WebhookCreated, WebhookDeliveries, WebhookDelivery, WebhookDeliveryStatus, WebhookSecret,
    WebhookTested, Webhooks,
};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Body, Caller, PathText, PathTexts, Query};
use crate::limits::Policy;
use crate::webhooks::{Call, attempt};

/// Deliveries of a page.
const PAGE: u64 = 50;
const PAGE_MAX: u64 = 100;
/// The event of a trial.
const TEST: &str = "webhook.test";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, delete))
        .routes(routes!(rotate_secret))
        .routes(routes!(test))
        .routes(routes!(deliveries))
        .routes(routes!(replay))
}

/// Makes a webhook; its secret is shown in this answer alone.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", security(("api_key" = [])),
    request_body(content_type = "application/json", description = "url, events"),
    responses((status = 201, body = WebhookCreated)))]
async fn create(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Response> {
    let new = NewWebhook::parse(&body, |url| check_url(url, app.egress.guard()))?;
    let (now, secret) = (app.clock.now(), draw_secret(&app));
    let operation = CreateWebhook {
        agent: caller.key,
        id: WebhookId::from_bytes(app.entropy.uuid_v7(now)),
        new,
        secret: secret.clone(),
        limit: app.limits.webhooks_per_agent,
        now,
    };
    let created = move |webhook: &Webhook| {
        (StatusCode::CREATED, WebhookCreated { webhook: webhook.clone(), secret: secret.clone() })
    };
    caller.commit(&app, operation, created, |_, _| {}).await
}

/// The caller's webhooks, oldest first.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", security(("api_key" = [])),
    responses((status = 200, body = Webhooks)))]
async fn list(State(app): State<App>, Caller(caller): Caller) -> Result<Json<Webhooks>> {
    Ok(Json(app.store.read(ListWebhooks { agent: caller.key, now: app.clock.now() }).await?))
}

/// One webhook.
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks", security(("api_key" = [])),
    params(("id" = String, Path, description = "A webhook")), responses((status = 200, body = Webhook)))]
async fn show(State(app): State<App>, Caller(caller): Caller, PathText(id): PathText) -> Result<Json<Webhook>> {
    let operation = ShowWebhook { agent: caller.key, webhook: id.parse().ok(), now: app.clock.now() };
    Ok(Json(app.store.read(operation).await?))
}

/// Deletes a webhook and what it is owed.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks", security(("api_key" = [])),
    params(("id" = String, Path, description = "A webhook")), responses((status = 200, body = Confirmed)))]
async fn delete(State(app): State<App>, caller: Caller, PathText(id): PathText) -> Result<Response> {
    let operation = DeleteWebhook { agent: caller.key, webhook: id.parse().ok(), now: app.clock.now() };
    caller.commit(&app, operation, |()| (StatusCode::OK, Confirmed::OK), |app, ()| app.jobs.wake()).await
}

/// Calls the webhook once, now, with the event `webhook.test`, and tells what came of it.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "webhooks", security(("api_key" = [])),
    params(("id" = String, Path, description = "A webhook")), responses((status = 200, body = WebhookTested)))]
async fn test(State(app): State<App>, Caller(caller): Caller, PathText(id): PathText) -> Result<Json<WebhookTested>> {
    let now = app.clock.now();
    let address = app.store.read(FindAddress { agent: caller.key, webhook: id.parse().ok(), now }).await?;
    app.limit_agent(Policy::WebhookTest, caller.key)?;
    let body = json!({ "event": TEST, "timestamp": now, "data": { "webhook_id": address.id } }).to_string();
    let call = Call {
        url: address.url,
        secrets: address.secrets,
        event: TEST.to_owned(),
        delivery: WebhookDeliveryId::from_bytes(app.entropy.uuid_v7(now)),
        body,
        trace: None,
        now,
    };
    let made = attempt(&app, call).await;
    let ok = made.ok();
    Ok(Json(WebhookTested { ok, status_code: made.status, duration_ms: made.duration_ms, error: made.error }))
}

/// Gives a webhook another secret, shown in this answer alone. For 24 hours the one before signs too.
#[utoipa::path(post, path = "/v1/webhooks/{id}/rotate-secret", tag = "webhooks", security(("api_key" = [])),
    params(("id" = String, Path, description = "A webhook")), responses((status = 200, body = WebhookSecret)))]
async fn rotate_secret(State(app): State<App>, caller: Caller, PathText(id): PathText) -> Result<Response> {
    let secret = draw_secret(&app);
    let operation = RotateWebhookSecret {
        agent: caller.key,
        webhook: id.parse().ok(),
        secret: secret.clone(),
        now: app.clock.now(),
    };
    let rotated = move |id: &WebhookId| (StatusCode::OK, WebhookSecret { id: *id, secret: secret.clone() });
    caller.commit(&app, operation, rotated, |_, _| {}).await
}

/// `whsec_` and base64 of 32 random bytes.
fn draw_secret(app: &App) -> String {
    let bytes: [u8; 32] = app.entropy.bytes();
    format!("whsec_{}", STANDARD.encode(bytes))
}

/// What a webhook was owed, newest first.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks", security(("api_key" = [])),
    params(("id" = String, Path, description = "A webhook"),
        ("status" = Option<String>, Query, description = "pending, delivering, delivered, failed or dead"),
        ("limit" = Option<u64>, Query), ("before" = Option<String>, Query, description = "A delivery")),
    responses((status = 200, body = WebhookDeliveries)))]
async fn deliveries(
    State(app): State<App>,
    Caller(caller): Caller,
    PathText(id): PathText,
    query: Query,
) -> Result<Json<WebhookDeliveries>> {
    let mut errors = FieldErrors::default();
    let limit = query.limit(PAGE_MAX, PAGE, &mut errors);
    let status = query.text("status").map(WebhookDeliveryStatus::known);
    if status == Some(None) {
        errors.field("status", "Expected pending, delivering, delivered, failed or dead");
    }
    let before = query.text("before").map(str::parse::<WebhookDeliveryId>);
    if matches!(before, Some(Err(_))) {
        errors.field("before", "Expected the id of a delivery");
    }
    errors.into_result()?;
    let operation = ListDeliveries {
        agent: caller.key,
        webhook: id.parse().ok(),
        status: status.flatten(),
        before: before.and_then(std::result::Result::ok),
        limit,
    };
    Ok(Json(app.store.read(operation).await?))
}

/// Queues a dead delivery once more, under another id.
#[utoipa::path(post, path = "/v1/webhooks/{id}/deliveries/{delivery_id}/replay", tag = "webhooks",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "A webhook"), ("delivery_id" = String, Path)),
    responses((status = 201, body = WebhookDelivery)))]
async fn replay(State(app): State<App>, caller: Caller, PathTexts(id, delivery): PathTexts) -> Result<Response> {
    let now = app.clock.now();
    let operation = ReplayDelivery {
        agent: caller.key,
        webhook: id.parse().ok(),
        delivery: delivery.parse().ok(),
        id: WebhookDeliveryId::from_bytes(app.entropy.uuid_v7(now)),
        now,
    };
    let replayed = |delivery: &WebhookDelivery| (StatusCode::CREATED, delivery.clone());
    caller.commit(&app, operation, replayed, |app, _| app.hooks.wake()).await
}
