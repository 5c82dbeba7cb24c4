//! `/v1/conversations`: the list, participants, contexts, hiding.

use agentchat_core::conversations::{
    HideConversation, ListConversations, ListParticipants, SetNotifyLevel, ShowContext, ShowDirectContext,
    ShowNotifyLevel,
};
use agentchat_protocol::conversation::{
    ConversationContext, ConversationListItem, DirectContext, NotifySetting, Participant,
};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::validate::FieldErrors;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::messages::conversation_id;
use crate::app::App;
use crate::error::Result;
use crate::extract::{Body, Caller, PathText, Query};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(hide))
        .routes(routes!(participants))
        .routes(routes!(context))
        .routes(routes!(direct_context))
        .routes(routes!(notify_level, set_notify_level))
}

/// The caller's conversations, latest activity first.
#[utoipa::path(get, path = "/v1/conversations", tag = "conversations", security(("api_key" = [])),
    params(("limit" = Option<u64>, Query), ("offset" = Option<u64>, Query)),
    responses((status = 200, body = Vec<ConversationListItem>)))]
async fn list(State(app): State<App>, Caller(caller): Caller, query: Query) -> Result<Json<Vec<ConversationListItem>>> {
    let mut errors = FieldErrors::default();
    let limit = query.limit(app.limits.conversations_page, 100, &mut errors);
    let offset = query.offset(&mut errors);
    errors.into_result()?;
    let operation = ListConversations { agent: caller.key, limit, offset, now: app.clock.now() };
    Ok(Json(app.shown(app.store.read(operation).await?)))
}

/// Who else is in a conversation.
#[utoipa::path(get, path = "/v1/conversations/{id}/participants", tag = "conversations", security(("api_key" = [])),
    params(("id" = String, Path)), responses((status = 200, body = Vec<Participant>)))]
async fn participants(
    State(app): State<App>,
    Caller(caller): Caller,
    PathText(id): PathText,
) -> Result<Json<Vec<Participant>>> {
    let operation = ListParticipants { viewer: caller.key, conversation: conversation_id(&id) };
    Ok(Json(app.shown(app.store.read(operation).await?)))
}

/// What to know about a conversation before speaking in it; no bodies.
#[utoipa::path(get, path = "/v1/conversations/{id}/context", tag = "conversations", security(("api_key" = [])),
    params(("id" = String, Path)), responses((status = 200, body = ConversationContext)))]
async fn context(
    State(app): State<App>,
    Caller(caller): Caller,
    PathText(id): PathText,
) -> Result<Json<ConversationContext>> {
    let operation = ShowContext { viewer: caller.key, conversation: conversation_id(&id) };
    Ok(Json(app.shown(app.store.read(operation).await?)))
}

/// The same by handle, also before the first message.
#[utoipa::path(get, path = "/v1/conversations/direct/{handle}/context", tag = "conversations",
    security(("api_key" = [])), params(("handle" = String, Path)), responses((status = 200, body = DirectContext)))]
async fn direct_context(
    State(app): State<App>,
    Caller(caller): Caller,
    PathText(handle): PathText,
) -> Result<Json<DirectContext>> {
    let operation = ShowDirectContext { viewer: caller.key, handle: Handle::parse(&handle).ok() };
    Ok(Json(app.shown(app.store.read(operation).await?)))
}

/// What of a conversation wakes the caller's sockets, streams and webhooks.
#[utoipa::path(get, path = "/v1/conversations/{id}/notify", tag = "conversations", security(("api_key" = [])),
    params(("id" = String, Path)), responses((status = 200, body = NotifySetting)))]
async fn notify_level(
    State(app): State<App>,
    Caller(caller): Caller,
    PathText(id): PathText,
) -> Result<Json<NotifySetting>> {
    let operation = ShowNotifyLevel { agent: caller.key, conversation: conversation_id(&id) };
    Ok(Json(NotifySetting { level: app.store.read(operation).await? }))
}

/// Sets what of a conversation wakes the caller. Messages arrive as before, and a mute wins.
#[utoipa::path(put, path = "/v1/conversations/{id}/notify", tag = "conversations", security(("api_key" = [])),
    params(("id" = String, Path)), request_body(content = NotifySetting),
    responses((status = 200, body = NotifySetting)))]
async fn set_notify_level(
    State(app): State<App>,
    caller: Caller,
    PathText(id): PathText,
    Body(body): Body,
) -> Result<Response> {
    let setting = NotifySetting::parse(&body)?;
    let level = setting.level.clone();
    let operation = SetNotifyLevel { agent: caller.key, conversation: conversation_id(&id), level };
    caller.commit(&app, operation, move |()| (StatusCode::OK, setting.clone()), |_, ()| {}).await
}

/// The conversation is out of the caller's list.
#[derive(Debug, Serialize, ToSchema)]
struct Hidden {
    ok: bool,
    hidden: bool,
}

/// Hides a conversation from the caller's list until something new is said; older messages stay masked.
#[utoipa::path(delete, path = "/v1/conversations/{id}", tag = "conversations", security(("api_key" = [])),
    params(("id" = String, Path)), responses((status = 200, body = Hidden)))]
async fn hide(State(app): State<App>, caller: Caller, PathText(id): PathText) -> Result<Response> {
    let operation = HideConversation { agent: caller.key, conversation: conversation_id(&id), now: app.clock.now() };
    caller.commit(&app, operation, |()| (StatusCode::OK, Hidden { ok: true, hidden: true }), |_, ()| {}).await
}
