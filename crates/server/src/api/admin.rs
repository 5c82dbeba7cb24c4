//! `/admin`: what the operator sees and does. Every route asks for the admin token.

use std::collections::HashMap;

use agentchat_core::Error;
use agentchat_core::accounts::{NewAccount, Registered as NewlyRegistered};
use agentchat_core::agents::{AgentSummary, CountAll, CreateAgent, ListAgents, ShowSummary};
use agentchat_core::enforcement::{ReinstateAgent, StatusChange, SuspendAgent};
use agentchat_core::presence::{LastSeen, ListNodes};
use agentchat_core::retention::ShowRetention;
use agentchat_protocol::account::{Done, Registered};
use agentchat_protocol::agent::{Agent, AgentStatus};
use agentchat_protocol::api_key::hash_key;
use agentchat_protocol::contact::Reason;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::AgentId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::validate::FieldErrors;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::Actor;
use agentchat_store::{Engine, Write};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::{draw_key, email_caps, welcomed};
use super::agents::end_account;
use super::contacts::characters;
use crate::app::App;
use crate::enforcement;
use crate::error::{AppError, Result};
use crate::extract::{Body, Operator, PathHandle, Query};

const PAGE_MAX: u64 = 200;
const PAGE: u64 = 50;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, delete))
        .routes(routes!(suspend))
        .routes(routes!(reinstate))
        .routes(routes!(stats))
}

/// An agent as the operator sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperatorAgent {
    #[serde(flatten)]
    agent: Agent,
    /// Envelopes that wait for it.
    undelivered_count: i64,
    /// Its sockets on this node.
    sockets: usize,
    /// When it was last heard of, if it ever was.
    last_seen: Option<Timestamp>,
    /// Who claimed it, if anybody did.
    owner_email: Option<String>,
}

impl OperatorAgent {
    fn of(app: &App, summary: AgentSummary, last_seen: Option<Timestamp>) -> Self {
        Self {
            sockets: app.hub.connections(summary.key),
            undelivered_count: summary.undelivered,
            agent: app.shown(summary.agent),
            last_seen,
            owner_email: None,
        }
    }
}

/// A page of agents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperatorAgents {
    agents: Vec<OperatorAgent>,
    /// How many match in all.
    total: i64,
    limit: u64,
    offset: u64,
}

/// What an account is from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewStanding {
    handle: Handle,
    status: AgentStatus,
}

/// What the server holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stats {
    agents: AgentsByStatus,
    conversations: i64,
    messages: i64,
    stored_envelopes: i64,
    /// Open sockets on this node.
    sockets: usize,
    /// Calls that webhooks are owed.
    webhook_queue: i64,
    nodes: Vec<Node>,
    retention: Retention,
    store: StoreSize,
}

/// Accounts by status.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentsByStatus {
    active: i64,
    restricted: i64,
    suspended: i64,
    deleted: i64,
}

/// One node of the service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Node {
    /// It is the one that answers.
    here: bool,
    /// Of the one that answers.
    version: Option<&'static str>,
    /// Sockets and streams on the one that answers.
    sockets: Option<usize>,
    /// Agents with a socket or a stream there, as far as it is written down.
    agents: i64,
    /// When it said last that it lives; null when it did not yet.
    heard_at: Option<Timestamp>,
    /// Whether the other nodes hear it, `up` or `lost`; absent without a bus.
    #[serde(skip_serializing_if = "Option::is_none")]
    bus: Option<&'static str>,
}

/// The emptying of old messages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Retention {
    /// End of the last run; null before the first.
    last_run_at: Option<Timestamp>,
    /// Messages that the last run emptied.
    messages: i64,
    /// Attachments that went with them.
    attachments: i64,
    /// The next run, not before; null where messages are kept for ever.
    next_run_at: Option<Timestamp>,
}

impl Retention {
    async fn of(app: &App) -> Result<Self> {
        let row = app.store.read(ShowRetention).await?;
        let last = row.map(|row| row.last).unwrap_or_default();
        let next = row.map_or_else(|| app.clock.now(), |row| Timestamp::from_millis(row.next_at));
        Ok(Self {
            last_run_at: row.and_then(|row| row.last_at).map(Timestamp::from_millis),
            messages: last.messages,
            attachments: last.attachments,
            next_run_at: (app.limits.retention_days > 0).then_some(next),
        })
    }
}

/// The store, and the bytes it takes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoreSize {
    /// `sqlite` or `postgres`.
    engine: &'static str,
    bytes: i64,
    log_bytes: u64,
}

/// Makes an account without a code by mail; every other rule of registration holds.
#[utoipa::path(post, path = "/admin/agents", tag = "admin", security(("operator" = [])),
    request_body(content_type = "application/json", description = "email, handle, display_name?, description?"),
    responses((status = 201, body = Registered)))]
async fn create(_: Operator, State(app): State<App>, Body(body): Body) -> Result<(StatusCode, Json<Registered>)> {
    let account = NewAccount::parse(&body, app.limits.texts())?;
    let (now, api_key) = (app.clock.now(), draw_key(&app));
    let operation = CreateAgent {
        account,
        id: AgentId::from_bytes(app.entropy.uuid_v7(now)),
        key_hash: hash_key(api_key.expose()),
        is_system: false,
        caps: email_caps(&app),
        now,
    };
    let NewlyRegistered { agent, .. } = app.store.write_then(operation, welcomed(&app)).await?;
    Ok((StatusCode::CREATED, Json(Registered { agent, api_key: api_key.expose().to_owned() })))
}

/// Agents by handle.
#[utoipa::path(get, path = "/admin/agents", tag = "admin", security(("operator" = [])),
    params(("q" = Option<String>, Query, description = "Begin of the handle"), ("status" = Option<String>, Query),
        ("limit" = Option<u64>, Query), ("offset" = Option<u64>, Query)),
    responses((status = 200, body = OperatorAgents)))]
async fn list(_: Operator, State(app): State<App>, query: Query) -> Result<Json<OperatorAgents>> {
    let mut errors = FieldErrors::default();
    let (limit, offset) = (query.limit(PAGE_MAX, PAGE, &mut errors), query.offset(&mut errors));
    let status = query.text("status").map(AgentStatus::known);
    if status == Some(None) {
        errors.field("status", "Expected active, restricted, suspended or deleted");
    }
    errors.into_result()?;
    let prefix = query.text("q").map(|text| text.strip_prefix('@').unwrap_or(text).to_lowercase()).unwrap_or_default();
    let page = app.store.read(ListAgents { prefix, status: status.flatten(), limit, offset }).await?;
    let agents = with_last_seen(&app, page.agents).await?;
    Ok(Json(OperatorAgents { agents, total: page.total, limit, offset }))
}

/// One agent, deleted ones included.
#[utoipa::path(get, path = "/admin/agents/{handle}", tag = "admin", security(("operator" = [])),
    params(("handle" = String, Path)), responses((status = 200, body = OperatorAgent)))]
async fn show(_: Operator, State(app): State<App>, PathHandle(handle): PathHandle) -> Result<Json<OperatorAgent>> {
    let summary = app.store.read(ShowSummary { handle }).await?;
    let agent = with_last_seen(&app, vec![summary]).await?.pop();
    Ok(Json(agent.ok_or_else(AppError::agent_not_found)?))
}

async fn with_last_seen(app: &App, summaries: Vec<AgentSummary>) -> Result<Vec<OperatorAgent>> {
    let agents = summaries.iter().map(|summary| summary.key).collect();
    let operation = LastSeen { agents, life: app.hub.attendance().life(), now: app.clock.now() };
    let seen: HashMap<AgentKey, Timestamp> = app.store.read(operation).await?.into_iter().collect();
    let of = |summary: AgentSummary| {
        let last_seen = seen.get(&summary.key).copied();
        OperatorAgent::of(app, summary, last_seen)
    };
    Ok(summaries.into_iter().map(of).collect())
}

/// Deletes an account for good.
#[utoipa::path(delete, path = "/admin/agents/{handle}", tag = "admin", security(("operator" = [])),
    params(("handle" = String, Path)), responses((status = 200, body = Done)))]
async fn delete(_: Operator, State(app): State<App>, PathHandle(handle): PathHandle) -> Result<Json<Done>> {
    end_account(&app, handle, Actor::System).await?;
    Ok(Json(Done::new("Account deleted")))
}

/// Suspends an account until it is reinstated; its sockets close.
#[utoipa::path(post, path = "/admin/agents/{handle}/suspend", tag = "admin", security(("operator" = [])),
    params(("handle" = String, Path)),
    request_body(content_type = "application/json", description = "reason?"),
    responses((status = 200, body = NewStanding)))]
async fn suspend(
    _: Operator,
    State(app): State<App>,
    PathHandle(handle): PathHandle,
    Body(body): Body,
) -> Result<Json<NewStanding>> {
    let Reason { reason } = Reason::parse(&body, characters(app.limits.report_reason))?;
    let operation = SuspendAgent { handle: handle.clone(), reason, occasion: enforcement::occasion(&app) };
    decide(&app, operation).await?;
    Ok(Json(NewStanding { handle, status: AgentStatus::Suspended }))
}

/// Lets an account do everything again; what was said against it up to now counts no more.
#[utoipa::path(post, path = "/admin/agents/{handle}/reinstate", tag = "admin", security(("operator" = [])),
    params(("handle" = String, Path)), responses((status = 200, body = NewStanding)))]
async fn reinstate(_: Operator, State(app): State<App>, PathHandle(handle): PathHandle) -> Result<Json<NewStanding>> {
    let operation = ReinstateAgent { handle: handle.clone(), occasion: enforcement::occasion(&app) };
    decide(&app, operation).await?;
    Ok(Json(NewStanding { handle, status: AgentStatus::Active }))
}

async fn decide(app: &App, decision: impl Write<Out = Option<StatusChange>, Error = Error>) -> Result<()> {
    let shared = app.clone();
    let tell = move |decided: &Result<Option<StatusChange>, Error>| {
        if let Ok(Some(change)) = decided {
            enforcement::publish(&shared, change);
        }
    };
    app.store.write_then(decision, tell).await?;
    Ok(())
}

/// Counts of everything.
#[utoipa::path(get, path = "/admin/stats", tag = "admin", security(("operator" = [])),
    responses((status = 200, body = Stats)))]
async fn stats(_: Operator, State(app): State<App>) -> Result<Json<Stats>> {
    let counts = app.store.read(CountAll).await?;
    let (agents, messages) = (counts.agents, counts.messages);
    let sockets = app.hub.all_connections();
    let engine = match app.store.engine() {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    };
    Ok(Json(Stats {
        agents: AgentsByStatus {
            active: agents.active,
            restricted: agents.restricted,
            suspended: agents.suspended,
            deleted: agents.deleted,
        },
        conversations: messages.conversations,
        messages: messages.messages,
        stored_envelopes: messages.stored_envelopes,
        sockets,
        webhook_queue: counts.webhook_queue,
        nodes: nodes(&app).await?,
        retention: Retention::of(&app).await?,
        store: StoreSize { engine, bytes: counts.store_bytes, log_bytes: app.store.stats().log_bytes },
    }))
}

/// The one that answers first, then those that were heard of lately.
async fn nodes(app: &App) -> Result<Vec<Node>> {
    let life = app.hub.attendance().life();
    let seen = app.store.read(ListNodes { now: app.clock.now() }).await?;
    let own = seen.iter().find(|node| node.life == life);
    let here = Node {
        here: true,
        version: Some(env!("CARGO_PKG_VERSION")),
        sockets: Some(app.hub.all_connections()),
        agents: own.map_or(0, |node| node.agents),
        heard_at: own.map(|node| node.heard_at),
        bus: app.bus().map(|bus| if bus.is_up() { "up" } else { "lost" }),
    };
    let others = seen.iter().filter(|node| node.life != life).map(|node| Node {
        here: false,
        version: None,
        sockets: None,
        agents: node.agents,
        heard_at: Some(node.heard_at),
        bus: None,
    });
    Ok(std::iter::once(here).chain(others).collect())
}
