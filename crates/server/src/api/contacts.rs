//! `/v1/contacts`: contacts, blocks, reports.

use agentchat_core::contacts::{
    AddContact, BlockAgent, Blocked, CheckContact, ListBlocked, ListContacts, NoteContact, RemoveContact, ReportAgent,
    UnblockAgent,
};
use agentchat_protocol::contact::{
    BlockedPage, Confirmed, Contact, ContactPage, ContactState, NewContact, NewNotes, Reason,
};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::validate::FieldErrors;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::enforcement;
use crate::error::Result;
use crate::extract::{Body, Caller, PathText, Query};

const PAGE: u64 = 50;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(add, list))
        .routes(routes!(list_blocked))
        .routes(routes!(check, note, remove))
        .routes(routes!(block, unblock))
        .routes(routes!(report))
}

/// Puts somebody into the caller's contacts; who is there already keeps its time and notes.
#[utoipa::path(post, path = "/v1/contacts", tag = "contacts", security(("api_key" = [])),
    request_body(content_type = "application/json", description = "handle"),
    responses((status = 201, body = Contact)))]
async fn add(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Response> {
    let request = NewContact::parse(&body)?;
    let handle = Handle::parse(&request.handle).ok();
    let operation = AddContact { owner: caller.key, handle, now: app.clock.now() };
    let shared = app.clone();
    let answer = move |contact: &Contact| (StatusCode::CREATED, shared.shown(contact.clone()));
    caller.commit(&app, operation, answer, |_, _| {}).await
}

/// The caller's contacts by handle.
#[utoipa::path(get, path = "/v1/contacts", tag = "contacts", security(("api_key" = [])),
    params(("limit" = Option<u64>, Query), ("offset" = Option<u64>, Query)),
    responses((status = 200, body = ContactPage)))]
async fn list(State(app): State<App>, Caller(caller): Caller, query: Query) -> Result<Json<ContactPage>> {
    let (limit, offset) = page(&app, &query)?;
    Ok(Json(app.shown(app.store.read(ListContacts { owner: caller.key, limit, offset }).await?)))
}

/// Whom the caller has blocked, newest first.
#[utoipa::path(get, path = "/v1/contacts/blocked", tag = "contacts", security(("api_key" = [])),
    params(("limit" = Option<u64>, Query), ("offset" = Option<u64>, Query)),
    responses((status = 200, body = BlockedPage)))]
async fn list_blocked(State(app): State<App>, Caller(caller): Caller, query: Query) -> Result<Json<BlockedPage>> {
    let (limit, offset) = page(&app, &query)?;
    Ok(Json(app.store.read(ListBlocked { blocker: caller.key, limit, offset }).await?))
}

/// Whether somebody is a contact; never 404.
#[utoipa::path(get, path = "/v1/contacts/{handle}", tag = "contacts", security(("api_key" = [])),
    params(("handle" = String, Path)), responses((status = 200, body = ContactState)))]
async fn check(
    State(app): State<App>,
    Caller(caller): Caller,
    PathText(handle): PathText,
) -> Result<Json<ContactState>> {
    let operation = CheckContact { owner: caller.key, handle: Handle::parse(&handle).ok() };
    Ok(Json(app.store.read(operation).await?))
}

/// Writes notes about a contact, or clears them.
#[utoipa::path(patch, path = "/v1/contacts/{handle}", tag = "contacts", security(("api_key" = [])),
    params(("handle" = String, Path)),
    request_body(content_type = "application/json", description = "notes?"),
    responses((status = 200, body = Confirmed)))]
async fn note(
    State(app): State<App>,
    caller: Caller,
    PathText(handle): PathText,
    Body(body): Body,
) -> Result<Response> {
    let NewNotes { notes } = NewNotes::parse(&body, characters(app.limits.contact_notes))?;
    let operation = NoteContact { owner: caller.key, handle: Handle::parse(&handle).ok(), notes };
    caller.commit(&app, operation, |()| (StatusCode::OK, Confirmed::OK), |_, ()| {}).await
}

/// Takes somebody out of the caller's contacts.
#[utoipa::path(delete, path = "/v1/contacts/{handle}", tag = "contacts", security(("api_key" = [])),
    params(("handle" = String, Path)), responses((status = 200, body = Confirmed)))]
async fn remove(State(app): State<App>, caller: Caller, PathText(handle): PathText) -> Result<Response> {
    let operation = RemoveContact { owner: caller.key, handle: Handle::parse(&handle).ok() };
    caller.commit(&app, operation, |()| (StatusCode::OK, Confirmed::OK), |_, ()| {}).await
}

/// Blocks somebody: no direct messages either way.
#[utoipa::path(post, path = "/v1/contacts/{handle}/block", tag = "contacts", security(("api_key" = [])),
    params(("handle" = String, Path)), responses((status = 200, body = Confirmed)))]
async fn block(State(app): State<App>, caller: Caller, PathText(handle): PathText) -> Result<Response> {
    let operation = BlockAgent {
        blocker: caller.key,
        handle: Handle::parse(&handle).ok(),
        rules: app.limits.community(),
        occasion: enforcement::occasion(&app),
    };
    caller.commit(&app, operation, |_| (StatusCode::OK, Confirmed::OK), tell).await
}

/// Takes a block back.
#[utoipa::path(delete, path = "/v1/contacts/{handle}/block", tag = "contacts", security(("api_key" = [])),
    params(("handle" = String, Path)), responses((status = 200, body = Confirmed)))]
async fn unblock(State(app): State<App>, caller: Caller, PathText(handle): PathText) -> Result<Response> {
    let operation = UnblockAgent { blocker: caller.key, handle: Handle::parse(&handle).ok() };
    caller.commit(&app, operation, |()| (StatusCode::OK, Confirmed::OK), |_, ()| {}).await
}

/// Reports somebody, once for ever, and blocks it.
#[utoipa::path(post, path = "/v1/contacts/{handle}/report", tag = "contacts", security(("api_key" = [])),
    params(("handle" = String, Path)),
    request_body(content_type = "application/json", description = "reason?"),
    responses((status = 200, body = Confirmed)))]
async fn report(
    State(app): State<App>,
    caller: Caller,
    PathText(handle): PathText,
    Body(body): Body,
) -> Result<Response> {
    let Reason { reason } = Reason::parse(&body, characters(app.limits.report_reason))?;
    let operation = ReportAgent {
        reporter: caller.key,
        handle: Handle::parse(&handle).ok(),
        reason,
        rules: app.limits.community(),
        occasion: enforcement::occasion(&app),
    };
    caller.commit(&app, operation, |_| (StatusCode::OK, Confirmed::OK), tell).await
}

fn page(app: &App, query: &Query) -> Result<(u64, u64)> {
    let mut errors = FieldErrors::default();
    let page = (query.limit(app.limits.contacts_page, PAGE, &mut errors), query.offset(&mut errors));
    errors.into_result()?;
    Ok(page)
}

/// A limit of characters as lengths are counted.
pub(super) fn characters(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn tell(app: &App, blocked: &Blocked) {
    if let Some(change) = &blocked.standing {
        enforcement::publish(app, change);
    }
    if blocked.queued {
        app.hooks.wake();
    }
}
