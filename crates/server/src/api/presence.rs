//! `/v1/presence`.

use std::collections::HashMap;

use agentchat_core::presence::{SayPresence, ShowPresence, ShowPresences, Sighting};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::presence::{ListedPresence, Presence, PresenceList, PresenceRequest, PresenceSet, parse_batch};
use agentchat_protocol::timestamp::Timestamp;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{AppError, Result};
use crate::extract::{Body, Caller, PathText};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(say)).routes(routes!(show)).routes(routes!(show_many))
}

/// Says whether the caller is there. Counts for 300 s, longer while it is connected.
#[utoipa::path(put, path = "/v1/presence", tag = "presence", security(("api_key" = [])),
    request_body(content_type = "application/json"), responses((status = 200, body = PresenceSet)))]
async fn say(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Response> {
    let request = PresenceRequest::parse(&body)?;
    let operation = SayPresence { agent: caller.key, handle: caller.handle.clone(), request, now: app.clock.now() };
    let render = |said: &agentchat_core::presence::SaidSo| {
        (StatusCode::OK, PresenceSet { presence: said.presence.clone(), ok: true })
    };
    caller.commit(&app, operation, render, |app, said| app.hub.attendance().announce(&said.announcements)).await
}

/// The presence of the caller or of one of its contacts.
#[utoipa::path(get, path = "/v1/presence/{handle}", tag = "presence", security(("api_key" = [])),
    params(("handle" = String, Path)), responses((status = 200, body = Presence)))]
async fn show(State(app): State<App>, Caller(caller): Caller, PathText(text): PathText) -> Result<Json<Presence>> {
    let handle = Handle::parse(&text).map_err(|_| AppError::not_found())?;
    let now = app.clock.now();
    let operation = ShowPresence { viewer: caller.key, handle, life: app.hub.attendance().life(), now };
    let sighting = app.store.read(operation).await?;
    Ok(Json(seen(&app, &sighting, now)))
}

/// The presence of many; of whom the caller may not see, nothing.
#[utoipa::path(post, path = "/v1/presence/batch", tag = "presence", security(("api_key" = [])),
    request_body(content_type = "application/json"), responses((status = 200, body = PresenceList)))]
async fn show_many(State(app): State<App>, Caller(caller): Caller, Body(body): Body) -> Result<Json<PresenceList>> {
    let most = usize::try_from(app.limits.presence_batch).unwrap_or(usize::MAX);
    let asked = parse_batch(&body, most)?;
    let now = app.clock.now();
    let operation = ShowPresences {
        viewer: caller.key,
        handles: asked.iter().filter_map(|handle| Handle::parse(handle).ok()).collect(),
        life: app.hub.attendance().life(),
        now,
    };
    let sightings = app.store.read(operation).await?;
    let presences = sightings.iter().map(|sighting| seen(&app, sighting, now));
    let mut found: HashMap<String, Presence> =
        presences.map(|presence| (presence.handle.as_str().to_owned(), presence)).collect();
    let answer = |handle: String| match found.remove(&handle) {
        Some(presence) => presence.into(),
        None => ListedPresence::unseen(handle),
    };
    Ok(Json(PresenceList { presences: asked.into_iter().map(answer).collect() }))
}

fn seen(app: &App, sighting: &Sighting, now: Timestamp) -> Presence {
    sighting.presence(app.hub.connections(sighting.agent()) > 0, now)
}
