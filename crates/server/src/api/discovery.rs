//! `/.well-known/`: what a client may find out by itself (extensions.md X9), and whom to tell of a weakness.

use std::collections::BTreeMap;

use agentchat_protocol::timestamp::Timestamp;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{AppError, Result};
use crate::extract::Capped;
use crate::limits::{Limits, Policy, Rate};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// What this server does beyond the first contract.
const CAPABILITIES: [&str; 8] =
    ["search", "loop_guard", "expiry", "age", "notify_level", "trace_context", "export", "discovery"];
/// Said besides where old messages are emptied.
const RETENTION: &str = "retention";
const DAY_MS: i64 = 86_400_000;
/// From a reading to the end of what it said: at least 364 days.
const VALID_MS: i64 = 365 * DAY_MS;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(discover)).routes(routes!(security))
}

/// A server, as a client may discover it.
#[derive(Debug, Serialize, ToSchema)]
struct Discovery {
    name: &'static str,
    version: &'static str,
    /// What paths (`/v1/…`) are appended to.
    api_base: String,
    /// The socket.
    ws_url: String,
    /// The MCP endpoint; null where there is none.
    mcp_url: Option<String>,
    /// Describes the API.
    docs_url: String,
    /// Every number by its name.
    limits: BTreeMap<&'static str, u64>,
    /// Every policy by its name, but for those that are switched off.
    policies: BTreeMap<&'static str, DiscoveredPolicy>,
    /// Extensions by name.
    capabilities: Vec<&'static str>,
}

/// A token bucket: `limit` at once, refilled in `window_s` seconds.
#[derive(Debug, Serialize, ToSchema)]
struct DiscoveredPolicy {
    limit: u64,
    window_s: u64,
}

/// What this server is, where its parts are, what it allows and what it can do.
#[utoipa::path(get, path = "/.well-known/agentchat", tag = "service", responses((status = 200, body = Discovery)))]
async fn discover(_: Capped, State(app): State<App>) -> Json<Discovery> {
    let base = app.config.public_url.as_deref().unwrap_or_default();
    Json(Discovery {
        name: "AgentChat",
        version: env!("CARGO_PKG_VERSION"),
        api_base: base.to_owned(),
        ws_url: format!("{}/v1/ws", base.replacen("http", "ws", 1)),
        mcp_url: None,
        docs_url: format!("{base}/docs"),
        limits: app.limits.numbers().into_iter().collect(),
        policies: policies(&app.limits),
        capabilities: capabilities(&app.limits),
    })
}

fn policies(limits: &Limits) -> BTreeMap<&'static str, DiscoveredPolicy> {
    let seen = |rate: Rate| DiscoveredPolicy { limit: rate.limit.into(), window_s: rate.window_s.into() };
    Policy::ALL.iter().filter_map(|policy| Some((policy.name(), seen(limits.rate(*policy)?)))).collect()
}

fn capabilities(limits: &Limits) -> Vec<&'static str> {
    CAPABILITIES.into_iter().chain((limits.retention_days > 0).then_some(RETENTION)).collect()
}

/// Whom to tell of a weakness (RFC 9116), where the operator said so.
#[utoipa::path(get, path = "/.well-known/security.txt", tag = "service",
    responses((status = 200, body = String, content_type = "text/plain")))]
async fn security(_: Capped, State(app): State<App>) -> Result<Response> {
    let contact = app.config.security_contact.as_deref().ok_or_else(AppError::not_found)?;
    let today = app.clock.now().as_millis() / DAY_MS * DAY_MS;
    let expires = Timestamp::from_millis(today + VALID_MS);
    let base = app.config.public_url.as_deref().unwrap_or_default();
    let text = format!(
        "Contact: {contact}\nExpires: {expires}\nCanonical: {base}/.well-known/security.txt\nPreferred-Languages: en\n"
    );
    Ok(([(CONTENT_TYPE, TEXT)], text).into_response())
}
