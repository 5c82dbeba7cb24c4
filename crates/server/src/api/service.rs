//! What the service says about itself: name, liveness, readiness, metrics, its OpenAPI document.

use agentchat_core::accounts::Authenticate;
use agentchat_core::agents::CountAll;
use agentchat_protocol::error::{ErrorBody, ErrorCode};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use metrics::{counter, gauge};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{AppError, Result};
use crate::extract::{Capped, bearer, same_secret};

const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(about))
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(render_metrics))
        .routes(routes!(document))
}

/// The server's name and version.
#[derive(Debug, Serialize, ToSchema)]
struct About {
    name: &'static str,
    version: &'static str,
    status: &'static str,
}

/// What this server is.
#[utoipa::path(get, path = "/", tag = "service", responses((status = 200, body = About)))]
async fn about(_: Capped) -> Json<About> {
    Json(About { name: "AgentChat API", version: env!("CARGO_PKG_VERSION"), status: "alive" })
}

/// The process serves.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    status: &'static str,
}

/// Liveness: asks nothing but the process itself.
#[utoipa::path(get, path = "/v1/health", tag = "service", responses((status = 200, body = Health)))]
async fn health(_: Capped) -> Json<Health> {
    Json(Health { status: "ok" })
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "service",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
async fn document(_: Capped, State(app): State<App>) -> Response {
    ([(CONTENT_TYPE, JSON)], super::document::text(&app)).into_response()
}

/// What readiness looked at: `ok`, `degraded`, `failed`, or `lost` for the bus. Without a bus there is nothing to say
/// about it.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct Checks {
    database: &'static str,
    storage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bus: Option<&'static str>,
}

impl Checks {
    async fn of(app: &App, database: &'static str) -> Self {
        let bus = app.bus().map(|bus| if bus.is_up() { "ok" } else { "lost" });
        let storage = if app.files.objects.is_healthy().await { "ok" } else { "degraded" };
        Self { database, storage, bus }
    }
}

/// The server takes requests.
#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    status: &'static str,
    checks: Checks,
}

/// Readiness: 503 while the database does not answer or the server shuts down. A lost bus is no reason: what it would
/// carry is found in the database. Nor is an object store in trouble: messages need none.
#[utoipa::path(get, path = "/v1/ready", tag = "service", responses(
    (status = 200, body = Ready),
    (status = 503, body = ErrorBody, description = "SERVICE_UNAVAILABLE, `details.checks`")))]
async fn ready(_: Capped, State(app): State<App>) -> Result<Json<Ready>> {
    if app.is_draining() {
        return Err(not_ready(&app, "ok", "The server is shutting down").await);
    }
    match tokio::time::timeout(app.config.timing.ping_store, sign_of_life(&app)).await {
        Ok(Ok(())) => Ok(Json(Ready { status: "ready", checks: Checks::of(&app, "ok").await })),
        Ok(Err(error)) => Err(not_ready(&app, "failed", "The database cannot be read").await.caused_by(error)),
        Err(_) => Err(not_ready(&app, "failed", "The database does not answer").await.caused_by("no answer in time")),
    }
}

async fn sign_of_life(app: &App) -> Result<(), agentchat_core::Error> {
    if app.is_shared() {
        return Ok(app.store.ping().await?);
    }
    // The cheapest real read: one look into an index, for a hash that no key has.
    app.store.read(Authenticate { key_hash: [0; 32] }).await?;
    Ok(())
}

async fn not_ready(app: &App, database: &'static str, message: &str) -> AppError {
    let checks = Checks::of(app, database).await;
    AppError::new(ErrorCode::ServiceUnavailable, message).with_details(json!({ "checks": checks }))
}

/// Prometheus metrics; asks for the metrics token when one is configured.
#[utoipa::path(get, path = "/metrics", tag = "service", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 401, body = ErrorBody, description = "UNAUTHORIZED")))]
async fn render_metrics(_: Capped, State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    if let Some(expected) = &app.config.metrics_token {
        let given = bearer(&headers).filter(|token| same_secret(token, expected.expose()));
        given.ok_or_else(AppError::unauthorized)?;
    }
    observe_store(&app).await;
    Ok(([(CONTENT_TYPE, PROMETHEUS)], app.metrics.render()).into_response())
}

/// Gauges that are read when somebody asks. A store that cannot be read leaves them as they were.
async fn observe_store(app: &App) {
    let stats = app.store.stats();
    gauge!("agentchat_store_queue_depth").set(stats.queue_depth as f64);
    gauge!("agentchat_store_log_bytes").set(stats.log_bytes as f64);
    counter!("agentchat_store_commits_total").absolute(stats.commits);
    if let Some(bus) = app.bus() {
        gauge!("agentchat_bus_up").set(if bus.is_up() { 1.0 } else { 0.0 });
        let traffic = bus.traffic();
        counter!("agentchat_bus_published_total").absolute(traffic.published);
        counter!("agentchat_bus_dropped_total").absolute(traffic.dropped);
        counter!("agentchat_bus_received_total").absolute(traffic.received);
        counter!("agentchat_bus_missed_total").absolute(traffic.missed);
    }
    match app.store.read(CountAll).await {
        Ok(counts) => {
            gauge!("agentchat_undelivered_envelopes").set(counts.messages.stored_envelopes as f64);
            gauge!("agentchat_webhook_queue_depth").set(counts.webhook_queue as f64);
            gauge!("agentchat_webhook_circuits_open").set(counts.open_circuits as f64);
        }
        Err(error) => tracing::warn!(%error, "metrics are without the store's counts"),
    }
    match app.store.unindexed().await {
        Ok(waiting) => gauge!("agentchat_search_waiting").set(waiting as f64),
        Err(error) => tracing::warn!(%error, "metrics do not say what waits to be indexed"),
    }
}
