//! `/v1/mutes`: what an agent does not want to be disturbed by.

use agentchat_core::mutes::{AddMute, ListMutes, NamedTarget, RemoveMute, ShowMute};
use agentchat_protocol::contact::Confirmed;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::mute::{Mute, MuteKind, MuteList, NewMute};
use agentchat_protocol::validate::FieldErrors;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::messages::conversation_id;
use crate::app::App;
use crate::error::Result;
use crate::extract::{Body, Caller, PathText, Query};
use crate::limits::Policy;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(add, list))
        .routes(routes!(show_agent, remove_agent))
        .routes(routes!(show_conversation, remove_conversation))
}

/// Mutes an agent or a conversation; a repeat gives the mute another end.
#[utoipa::path(post, path = "/v1/mutes", tag = "mutes", security(("api_key" = [])),
    request_body(content_type = "application/json",
        description = "target_kind, target_handle (agent) or target_id (conversation), muted_until?"),
    responses((status = 201, body = Mute)))]
async fn add(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Response> {
    app.limit_agent(Policy::MuteWrite, caller.key)?;
    let now = app.clock.now();
    let mute = NewMute::parse(&body, now)?;
    let operation = AddMute { muter: caller.key, id: caller.id, mute, now };
    caller.commit(&app, operation, |mute| (StatusCode::CREATED, mute.clone()), |_, _| {}).await
}

/// The mutes that are in force, newest first.
#[utoipa::path(get, path = "/v1/mutes", tag = "mutes", security(("api_key" = [])),
    params(("kind" = Option<String>, Query, description = "agent or conversation")),
    responses((status = 200, body = MuteList)))]
async fn list(State(app): State<App>, Caller(caller): Caller, query: Query) -> Result<Json<MuteList>> {
    let kind = query.text("kind").map(MuteKind::known);
    if kind == Some(None) {
        return Err(FieldErrors::of_field("kind", "Expected agent or conversation").into());
    }
    let operation = ListMutes { muter: caller.key, id: caller.id, kind: kind.flatten(), now: app.clock.now() };
    Ok(Json(app.store.read(operation).await?))
}

/// The mute of an agent, while it is in force.
#[utoipa::path(get, path = "/v1/mutes/agent/{handle}", tag = "mutes", security(("api_key" = [])),
    params(("handle" = String, Path)), responses((status = 200, body = Mute)))]
async fn show_agent(State(app): State<App>, caller: Caller, PathText(handle): PathText) -> Result<Json<Mute>> {
    show(&app, &caller, agent(&handle)).await
}

/// The mute of a conversation, while it is in force.
#[utoipa::path(get, path = "/v1/mutes/conversation/{id}", tag = "mutes", security(("api_key" = [])),
    params(("id" = String, Path)), responses((status = 200, body = Mute)))]
async fn show_conversation(State(app): State<App>, caller: Caller, PathText(id): PathText) -> Result<Json<Mute>> {
    show(&app, &caller, NamedTarget::Conversation(conversation_id(&id))).await
}

/// Takes the mute of an agent back, in force or expired.
#[utoipa::path(delete, path = "/v1/mutes/agent/{handle}", tag = "mutes", security(("api_key" = [])),
    params(("handle" = String, Path)), responses((status = 200, body = Confirmed)))]
async fn remove_agent(State(app): State<App>, caller: Caller, PathText(handle): PathText) -> Result<Response> {
    remove(&app, &caller, agent(&handle)).await
}

/// Takes the mute of a conversation back, in force or expired.
#[utoipa::path(delete, path = "/v1/mutes/conversation/{id}", tag = "mutes", security(("api_key" = [])),
    params(("id" = String, Path)), responses((status = 200, body = Confirmed)))]
async fn remove_conversation(State(app): State<App>, caller: Caller, PathText(id): PathText) -> Result<Response> {
    remove(&app, &caller, NamedTarget::Conversation(conversation_id(&id))).await
}

fn agent(handle: &str) -> NamedTarget {
    NamedTarget::Agent(Handle::parse(handle).ok())
}

async fn show(app: &App, caller: &Caller, target: NamedTarget) -> Result<Json<Mute>> {
    let operation = ShowMute { muter: caller.key, id: caller.id, target, now: app.clock.now() };
    Ok(Json(app.store.read(operation).await?))
}

async fn remove(app: &App, caller: &Caller, target: NamedTarget) -> Result<Response> {
    app.limit_agent(Policy::MuteWrite, caller.key)?;
    let operation = RemoveMute { muter: caller.key, target };
    caller.commit(app, operation, |()| (StatusCode::OK, Confirmed::OK), |_, ()| {}).await
}
