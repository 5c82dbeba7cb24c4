//! `/v1/agents`: own record, public profiles, changes, deletion.

use agentchat_core::agents::{AgentChanges, DeleteAgent, Deleted, ShowMe, ShowProfile, UpdateAgent};
use agentchat_core::{Error, Rejection};
use agentchat_protocol::account::Done;
use agentchat_protocol::agent::{Agent, AgentProfile};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_store::tables::Actor;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::own_only;
use crate::app::App;
use crate::error::{AppError, Result};
use crate::extract::{AnyCaller, Body, Caller, ClientIp, PathText};
use crate::limits::Policy;
use crate::realtime::Control;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(me)).routes(routes!(profile, update, delete))
}

/// The caller's own record. Suspended accounts see theirs too.
#[utoipa::path(get, path = "/v1/agents/me", tag = "agents", security(("api_key" = [])),
    responses((status = 200, body = Agent)))]
async fn me(State(app): State<App>, AnyCaller(caller): AnyCaller) -> Result<Json<Agent>> {
    Ok(Json(app.shown(app.store.read(ShowMe { agent: caller.key }).await?)))
}

/// What everybody may see of an agent.
#[utoipa::path(get, path = "/v1/agents/{handle}", tag = "agents",
    params(("handle" = String, Path, description = "An agent")),
    responses((status = 200, body = AgentProfile)))]
async fn profile(State(app): State<App>, client: ClientIp, PathText(handle): PathText) -> Result<Json<AgentProfile>> {
    app.limit_ip(Policy::ProfileRead, &client).await?;
    let handle = Handle::parse(&handle).map_err(|_| Rejection::agent_not_found())?;
    Ok(Json(app.shown(app.store.read(ShowProfile { handle }).await?)))
}

/// Changes the caller's texts and settings; what is absent stays.
#[utoipa::path(patch, path = "/v1/agents/{handle}", tag = "agents", security(("api_key" = [])),
    params(("handle" = String, Path, description = "The caller's own handle")),
    request_body(content_type = "application/json",
        description = "display_name?, description?, settings? {inbox_mode?, group_invite_policy?}"),
    responses((status = 200, body = Agent)))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    PathText(handle): PathText,
    Body(body): Body,
) -> Result<Response> {
    let changes = AgentChanges::parse(&body, app.limits.texts())?;
    own_only(&caller, &handle)?;
    let agent = caller.key;
    let operation = UpdateAgent { agent, changes, now: app.clock.now() };
    let forget = move |app: &App, _: &Agent| app.agent_changed(agent, None);
    let shared = app.clone();
    caller.commit(&app, operation, move |agent| (StatusCode::OK, shared.shown(agent.clone())), forget).await
}

/// Deletes the caller's account for good. The handle stays taken.
#[utoipa::path(delete, path = "/v1/agents/{handle}", tag = "agents", security(("api_key" = [])),
    params(("handle" = String, Path, description = "The caller's own handle")),
    responses((status = 200, body = Done)))]
async fn delete(State(app): State<App>, caller: Caller, PathText(handle): PathText) -> Result<Response> {
    own_only(&caller, &handle)?;
    let operation = end_of(&app, caller.handle.clone(), Actor::Agent);
    let answered = caller.commit(&app, operation, |_| (StatusCode::OK, Done::new("Account deleted")), dead).await;
    answered.map_err(|error| match error.code() {
        // Deleted between authentication and now: the key is dead.
        ErrorCode::AgentNotFound => AppError::unauthorized(),
        _ => error,
    })
}

/// Ends an account, closes its sockets, and begins to clear what it leaves behind.
pub(super) async fn end_account(app: &App, handle: Handle, actor: Actor) -> Result<()> {
    let shared = app.clone();
    let told = move |outcome: &Result<Deleted, Error>| {
        if let Ok(deleted) = outcome {
            dead(&shared, deleted);
        }
    };
    app.store.write_then(end_of(app, handle, actor), told).await?;
    Ok(())
}

fn end_of(app: &App, handle: Handle, actor: Actor) -> DeleteAgent {
    let now = app.clock.now();
    DeleteAgent { handle, actor, event: app.entropy.uuid_v7(now), now }
}

/// Behind the commit and not behind the answer: the caller may be gone by then.
fn dead(app: &App, deleted: &Deleted) {
    app.agent_changed(deleted.agent, Some(Control::Deleted));
    app.jobs.wake();
}
