//! `/v1/messages`: sending, history, reading, hiding.

use agentchat_core::messages::{HideMessage, HistoryAnchor, ReadMessage, ReadOutcome, Sent, ShowHistory};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::message::Message;
use agentchat_protocol::send::{SendError, SendRequest};
use agentchat_protocol::trace::TraceContext;
use agentchat_protocol::validate::{FieldErrors, REQUIRED};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{AppError, Result};
use crate::extract::{Body, Caller, PathText, Query, UnmeteredCaller};
use crate::idempotency::{IDEMPOTENCY_KEY, REPLAY, invalid_key, is_well_formed};
use crate::sending;

const BACKLOG: HeaderName = HeaderName::from_static("x-backlog-warning");

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(send)).routes(routes!(history, hide)).routes(routes!(read))
}

/// The answer to a send: the message, and group members that were skipped.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SentBody {
    #[serde(flatten)]
    message: Message,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped_recipients: Vec<Handle>,
}

/// Sends a message. The same `client_msg_id` with the same target and payload answers the original.
#[utoipa::path(post, path = "/v1/messages", tag = "messages", security(("api_key" = [])),
    request_body(content_type = "application/json"),
    responses((status = 201, body = SentBody), (status = 200, description = "A replay", body = SentBody)))]
async fn send(
    State(app): State<App>,
    UnmeteredCaller(caller): UnmeteredCaller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response> {
    let limit = usize::try_from(app.limits.content_bytes).unwrap_or(usize::MAX);
    let mut request = parse(&body, limit, headers.get(IDEMPOTENCY_KEY))?;
    request.trace = trace(&headers);
    Ok(answer(sending::send(&app, &caller, request).await?))
}

/// What tracing headers say; those that are not valid say nothing.
fn trace(headers: &HeaderMap) -> Option<TraceContext> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    TraceContext::read(text("traceparent")?, text("tracestate"))
}

/// The key supplies the `client_msg_id` of a body that has none; otherwise it is not even looked at.
fn parse(body: &[u8], limit: usize, key: Option<&HeaderValue>) -> Result<SendRequest> {
    let usable = key.and_then(|key| key.to_str().ok()).filter(|key| is_well_formed(key));
    SendRequest::parse_with_key(body, limit, usable).map_err(|error| match error {
        SendError::Invalid(errors) if key.is_some() && usable.is_none() && lacks_client_msg_id(&errors) => {
            invalid_key()
        }
        other => send_error(other),
    })
}

fn lacks_client_msg_id(errors: &FieldErrors) -> bool {
    errors.fields.get("client_msg_id").is_some_and(|complaints| complaints.iter().any(|one| one == REQUIRED))
}

/// The error of a send that could not be considered, for HTTP and sockets alike.
pub(crate) fn send_error(error: SendError) -> AppError {
    match error {
        SendError::Invalid(errors) => errors.into(),
        SendError::TooLarge { limit, size } => AppError::new(
            ErrorCode::ContentTooLarge,
            format!("Content and metadata take {size} bytes, {limit} at most"),
        )
        .with_details(json!({ "limit": limit, "size": size })),
    }
}

fn answer(sent: Sent) -> Response {
    let status = if sent.replayed { StatusCode::OK } else { StatusCode::CREATED };
    let (replayed, backlog) = (sent.replayed, sent.backlog);
    let body = SentBody { message: sent.message, skipped_recipients: sent.skipped_recipients };
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    if replayed {
        headers.insert(REPLAY, HeaderValue::from_static("true"));
    }
    let warning = backlog.map(|warning| format!("{}={}", warning.handle, warning.undelivered));
    if let Some(value) = warning.and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(BACKLOG, value);
    }
    response
}

/// A page of a conversation. Newest first, but oldest first after a cursor.
#[utoipa::path(get, path = "/v1/messages/{id}", tag = "messages", security(("api_key" = [])),
    params(("id" = String, Path, description = "A conversation"), ("limit" = Option<u64>, Query),
        ("before_seq" = Option<u64>, Query), ("after_seq" = Option<u64>, Query),
        ("around_message_id" = Option<String>, Query)),
    responses((status = 200, body = Vec<Message>)))]
async fn history(
    State(app): State<App>,
    Caller(caller): Caller,
    PathText(id): PathText,
    query: Query,
) -> Result<Json<Vec<Message>>> {
    let mut errors = FieldErrors::default();
    let limit = query.limit(app.limits.history_page, 50, &mut errors);
    let anchor = anchor(&query, &mut errors);
    errors.into_result()?;
    let operation = ShowHistory {
        viewer: caller.key,
        conversation: conversation_id(&id),
        anchor,
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
        keys: app.keys.clone(),
        now: app.clock.now(),
    };
    Ok(Json(app.store.read(operation).await?))
}

fn anchor(query: &Query, errors: &mut FieldErrors) -> HistoryAnchor {
    let before = query.int("before_seq", errors).map(HistoryAnchor::Before);
    let after = query.int("after_seq", errors).map(HistoryAnchor::After);
    // What is no message id is nobody's message.
    let around = query
        .text("around_message_id")
        .map(|text| HistoryAnchor::Around(text.parse().unwrap_or(MessageId::from_bytes([0; 16]))));
    let given: Vec<_> = [before, after, around].into_iter().flatten().collect();
    if given.len() > 1 {
        errors.form("Give at most one of before_seq, after_seq and around_message_id");
    }
    given.first().copied().unwrap_or(HistoryAnchor::Newest)
}

/// The conversation a path names; malformed ids name one that does not exist.
pub(crate) fn conversation_id(text: &str) -> ConversationId {
    text.parse().unwrap_or(ConversationId::direct([0; 16]))
}

/// The message a path names; malformed ids name one that does not exist.
fn message_id(text: &str) -> MessageId {
    text.parse().unwrap_or(MessageId::from_bytes([0; 16]))
}

/// The message that was read.
#[derive(Debug, Serialize, ToSchema)]
struct ReadBody {
    #[serde(flatten)]
    message: Message,
    ok: bool,
}

/// Marks a received message, and everything before it in its conversation, read.
#[utoipa::path(post, path = "/v1/messages/{id}/read", tag = "messages", security(("api_key" = [])),
    params(("id" = String, Path, description = "A message")),
    responses((status = 200, body = ReadBody)))]
async fn read(State(app): State<App>, Caller(caller): Caller, PathText(id): PathText) -> Result<Json<ReadBody>> {
    let mut last = ReadOutcome::default();
    loop {
        let operation = ReadMessage {
            reader: caller.key,
            handle: caller.handle.clone(),
            message: message_id(&id),
            now: app.clock.now(),
        };
        let read = app.store.write(operation).await?;
        last = read.outcome.after(last);
        if !last.more {
            sending::publish_reads(&app, &last);
            return Ok(Json(ReadBody { message: read.message, ok: true }));
        }
    }
}

/// Something was done.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Done {
    ok: bool,
    message: &'static str,
}

/// Hides a message from the caller's own view.
#[utoipa::path(delete, path = "/v1/messages/{id}", tag = "messages", security(("api_key" = [])),
    params(("id" = String, Path, description = "A message")),
    responses((status = 200, body = Done)))]
async fn hide(State(app): State<App>, caller: Caller, PathText(id): PathText) -> Result<Response> {
    let operation = HideMessage { agent: caller.key, message: message_id(&id), now: app.clock.now() };
    let done = Done { ok: true, message: "Message hidden from your view" };
    caller.commit(&app, operation, move |()| (StatusCode::OK, done), |_, ()| {}).await
}
