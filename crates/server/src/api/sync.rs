//! `/v1/messages/sync`: what waits, by paging; settled by acks only.

use std::time::Duration;

use agentchat_core::accounts::Authenticate;
use agentchat_core::messages::{AckThrough, CountUndelivered, Pending, PendingPage, PendingRow};
use agentchat_core::{Rejection, accounts};
use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::api_key::hash_key;
use agentchat_protocol::id::DeliveryId;
use agentchat_protocol::message::Message;
use agentchat_protocol::validate::{FieldErrors, Object};
use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Body, Caller, Query, bearer};
use crate::realtime::{Head, Held};

/// Longest wait of a long-poll, seconds.
const LONGEST_WAIT: u64 = 60;
const CLIENT: &str = "x-agentchat-client";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sync)).routes(routes!(ack)).routes(routes!(count))
}

/// What a sync call asks for.
struct Asked {
    limit: usize,
    after: u64,
    wait: Duration,
}

/// Stored messages in the order in which they were committed. With `wait`, held until there is one.
#[utoipa::path(get, path = "/v1/messages/sync", tag = "sync", security(("api_key" = [])),
    params(("limit" = Option<u64>, Query), ("after" = Option<String>, Query), ("wait" = Option<u64>, Query)),
    responses((status = 200, body = Vec<Message>)))]
async fn sync(
    State(app): State<App>,
    Caller(caller): Caller,
    query: Query,
    headers: HeaderMap,
) -> Result<Json<Vec<Message>>> {
    if caller.paused == PausedByOwner::Full {
        return Ok(Json(Vec::new()));
    }
    let Some(asked) = asked(&app, &caller, &query)? else {
        return Ok(Json(Vec::new()));
    };
    let rows = waiting(&app, &headers, &caller, &asked).await?;
    if let Some(client) = headers.get(CLIENT).and_then(|client| client.to_str().ok()) {
        let seen = rows.iter().map(|row| (row.position, row.conversation, row.seq));
        app.hub.sync_page(caller.key, client, seen, rows.len() < asked.limit);
    }
    Ok(Json(rows.into_iter().map(|row| row.message).collect()))
}

/// The query; none when its cursor names nothing of the caller's.
fn asked(app: &App, caller: &accounts::Caller, query: &Query) -> Result<Option<Asked>> {
    let mut errors = FieldErrors::default();
    let limit = query.limit(app.limits.sync_page, 200, &mut errors);
    let wait = query.int("wait", &mut errors).unwrap_or(0).min(LONGEST_WAIT);
    errors.into_result()?;
    let after = match query.text("after") {
        None => 0,
        Some(text) => match position(app, caller, text) {
            Some(position) => position,
            None => return Ok(None),
        },
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(Some(Asked { limit, after, wait: Duration::from_secs(wait) }))
}

/// The position of a delivery id that was made for this agent.
fn position(app: &App, caller: &accounts::Caller, text: &str) -> Option<u64> {
    let id: DeliveryId = text.parse().ok()?;
    app.keys.decode(caller.key.0, &id)
}

/// The page, held back until it has a row or the wait is over.
async fn waiting(app: &App, headers: &HeaderMap, caller: &accounts::Caller, asked: &Asked) -> Result<Vec<PendingRow>> {
    let until = Instant::now() + asked.wait;
    loop {
        // The hold is taken before the page is read, so that nothing can be stored unseen in between.
        let hold = (!asked.wait.is_zero()).then(|| app.hub.hold(caller.key));
        let page = page(app, caller, asked).await?;
        still_valid(app, headers, caller, &page).await?;
        if page.paused == PausedByOwner::Full {
            return Ok(Vec::new());
        }
        let Some(hold) = hold.filter(|_| page.rows.is_empty()) else {
            return Ok(page.rows);
        };
        hold.saw(Head { position: page.last_position, epoch: page.epoch, paused: false });
        match tokio::time::timeout_at(until, hold.changed()).await {
            Ok(Held::Row | Held::Account) => {}
            Ok(Held::Replaced | Held::Stopping) | Err(_) => return Ok(Vec::new()),
        }
    }
}

/// A key that died while the request was held ends it; other changes of the account's status do not.
async fn still_valid(app: &App, headers: &HeaderMap, caller: &accounts::Caller, page: &Pending) -> Result<()> {
    if page.epoch == caller.epoch {
        return Ok(());
    }
    // Asked of the store: the cache of callers may not have heard of the change yet.
    let key = bearer(headers).ok_or_else(Rejection::unauthorized)?;
    let now = app.store.read(Authenticate { key_hash: hash_key(key) }).await?;
    match now.ok_or_else(Rejection::unauthorized)?.status {
        AgentStatus::Suspended => Err(Rejection::suspended().into()),
        _ => Ok(()),
    }
}

async fn page(app: &App, caller: &accounts::Caller, asked: &Asked) -> Result<Pending> {
    let operation = PendingPage {
        agent: caller.key,
        after: asked.after,
        limit: asked.limit,
        now: app.clock.now(),
        keys: app.keys.clone(),
    };
    Ok(app.store.read(operation).await?)
}

/// How many messages were settled.
#[derive(Debug, Serialize, ToSchema)]
struct Acked {
    acked: u64,
}

/// Settles everything at or before a delivery.
#[utoipa::path(post, path = "/v1/messages/sync/ack", tag = "sync", security(("api_key" = [])),
    request_body(content_type = "application/json"), responses((status = 200, body = Acked)))]
async fn ack(State(app): State<App>, Caller(caller): Caller, Body(body): Body) -> Result<Json<Acked>> {
    if caller.paused == PausedByOwner::Full {
        return Ok(Json(Acked { acked: 0 }));
    }
    let object = Object::parse(&body)?;
    let mut errors = FieldErrors::default();
    let cursor = object.req_str("last_delivery_id", &mut errors).unwrap_or("").to_owned();
    if cursor.is_empty() && errors.is_empty() {
        errors.field("last_delivery_id", "Required");
    }
    errors.into_result()?;
    let Some(position) = position(&app, &caller, &cursor) else {
        return Ok(Json(Acked { acked: 0 }));
    };
    let mut acked = 0;
    loop {
        let operation = AckThrough { agent: caller.key, position, now: app.clock.now() };
        let progress = app.store.write(operation).await?;
        acked += progress.acked;
        if !progress.more {
            app.hub.acked_through(caller.key, position);
            return Ok(Json(Acked { acked }));
        }
    }
}

/// How many messages wait.
#[derive(Debug, Serialize, ToSchema)]
struct Count {
    count: u64,
}

/// The exact number of messages that wait for the caller.
#[utoipa::path(get, path = "/v1/messages/undelivered/count", tag = "sync", security(("api_key" = [])),
    responses((status = 200, body = Count)))]
async fn count(State(app): State<App>, Caller(caller): Caller) -> Result<Json<Count>> {
    let count = app.store.read(CountUndelivered { agent: caller.key, now: app.clock.now() }).await?;
    Ok(Json(Count { count }))
}
