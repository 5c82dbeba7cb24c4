//! `/v1/reply`, `/v1/pending-reviews` and the wake webhook: who replies for an agent.

use agentchat_core::replies::{
    ClaimReplies, Claims, ClearWake, HasLease, KeepReviews, ReleaseLease, SetWake, TakeLease,
};
use agentchat_egress::{Guard, check_url};
use agentchat_protocol::reply::{
    ClaimRequest, LeaseRequest, RepliesClaimed, ReplyActive, ReplyClaimed, ReplyLeased, ReplyReleased,
};
use agentchat_protocol::review::{PendingReviews, ReviewsKept};
use agentchat_protocol::validate::{FieldErrors, Object};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Body, Caller};

/// Characters of the secret that calls are signed with.
const SECRET: usize = 256;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(active, lease, release))
        .routes(routes!(claim))
        .routes(routes!(claim_batch))
        .routes(routes!(put_reviews))
        .routes(routes!(set_wake, clear_wake))
}

/// Whether a live session, or the agent as a whole, replies by itself now.
#[utoipa::path(get, path = "/v1/reply/active", tag = "replies", security(("api_key" = [])),
    responses((status = 200, body = ReplyActive)))]
async fn active(State(app): State<App>, Caller(caller): Caller) -> Result<Json<ReplyActive>> {
    let active = app.store.read(HasLease { agent: caller.key, now: app.clock.now() }).await?;
    Ok(Json(ReplyActive { active }))
}

/// Takes or extends the lease of a session; without one, sets the agent's unnamed marker.
#[utoipa::path(put, path = "/v1/reply/active", tag = "replies", security(("api_key" = [])),
    request_body(content_type = "application/json", description = "session_id?, ttl_seconds?"),
    responses((status = 200, body = ReplyLeased)))]
async fn lease(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Response> {
    let LeaseRequest { session, ttl_s } = LeaseRequest::parse(&body)?;
    let until = app.clock.now().plus_millis(ttl_s * 1_000);
    let leased = ReplyLeased { ok: true, active: true, expires_at: until };
    let operation = TakeLease { agent: caller.key, session, until };
    caller.commit(&app, operation, move |()| (StatusCode::OK, leased), |_, ()| {}).await
}

/// Releases the lease of a session; without one, the unnamed marker.
#[utoipa::path(delete, path = "/v1/reply/active", tag = "replies", security(("api_key" = [])),
    request_body(content_type = "application/json", description = "session_id?; or nothing"),
    responses((status = 200, body = ReplyReleased)))]
async fn release(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Response> {
    let session = LeaseRequest::parse_release(&body)?;
    let operation = ReleaseLease { agent: caller.key, session, now: app.clock.now() };
    let released = |active: &bool| (StatusCode::OK, ReplyReleased { ok: true, active: *active });
    caller.commit(&app, operation, released, |_, _| {}).await
}

/// Claims one message for a holder.
#[utoipa::path(post, path = "/v1/reply/claim", tag = "replies", security(("api_key" = [])),
    request_body(content_type = "application/json", description = "message_id, holder, defer_if_active?"),
    responses((status = 200, body = ReplyClaimed)))]
async fn claim(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Response> {
    let operation = claims(&app, &caller, ClaimRequest::parse_one(&body)?);
    let claimed =
        |claims: &Claims| (StatusCode::OK, ReplyClaimed { claimed: claims.count > 0, deferred: claims.deferred });
    caller.commit(&app, operation, claimed, |_, _| {}).await
}

/// Claims several messages, oldest first, up to the first that another holds.
#[utoipa::path(post, path = "/v1/reply/claim-batch", tag = "replies", security(("api_key" = [])),
    request_body(content_type = "application/json", description = "message_ids, holder, defer_if_active?"),
    responses((status = 200, body = RepliesClaimed)))]
async fn claim_batch(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Response> {
    let operation = claims(&app, &caller, ClaimRequest::parse_batch(&body)?);
    let claimed =
        |claims: &Claims| (StatusCode::OK, RepliesClaimed { claimed_count: claims.count, deferred: claims.deferred });
    caller.commit(&app, operation, claimed, |_, _| {}).await
}

fn claims(app: &App, caller: &Caller, request: ClaimRequest) -> ClaimReplies {
    let ClaimRequest { messages, holder, defer_if_active } = request;
    ClaimReplies { agent: caller.key, messages, holder, defer_if_active, now: app.clock.now() }
}

/// Replaces everything an installation waits to have reviewed by the agent's owner.
#[utoipa::path(put, path = "/v1/pending-reviews", tag = "replies", security(("api_key" = [])),
    request_body(content_type = "application/json", description = "installation_id, pending_reviews"),
    responses((status = 200, body = ReviewsKept)))]
async fn put_reviews(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Response> {
    let reviews = PendingReviews::parse(&body)?;
    let operation = KeepReviews { agent: caller.key, reviews, now: app.clock.now() };
    let kept = |count: &usize| (StatusCode::OK, ReviewsKept { ok: true, count: *count });
    caller.commit(&app, operation, kept, |_, _| {}).await
}

/// The wake webhook is set.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct WakeSet {
    /// `active`.
    state: &'static str,
}

/// It is gone.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct WakeCleared {
    ok: bool,
}

/// Sets where the agent is woken when a message comes while nobody of it is there.
#[utoipa::path(put, path = "/v1/agents/me/wake-webhook", tag = "replies", security(("api_key" = [])),
    request_body(content_type = "application/json", description = "url, secret"),
    responses((status = 200, body = WakeSet)))]
async fn set_wake(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Response> {
    let (url, secret) = wake(&body, app.egress.guard())?;
    let operation = SetWake { agent: caller.key, url, secret, now: app.clock.now() };
    let set = WakeSet { state: "active" };
    caller.commit(&app, operation, move |()| (StatusCode::OK, set), |_, ()| {}).await
}

fn wake(body: &[u8], guard: Guard) -> Result<(String, String), FieldErrors> {
    let body = Object::parse(body)?;
    let mut errors = FieldErrors::default();
    let mut read = |name: &str, check: &dyn Fn(&str) -> Result<String, &'static str>| {
        let given = body.req_str(name, &mut errors).map(str::to_owned)?;
        check(&given).map_err(|problem| body.reject(name, problem, &mut errors)).ok()
    };
    let url = read("url", &|given| check_url(given, guard));
    // Not trimmed: its bytes are the key.
    let secret = read("secret", &|given| match given.chars().count() {
        1..=SECRET => Ok(given.to_owned()),
        _ => Err("Expected 1 to 256 characters"),
    });
    match (url, secret) {
        (Some(url), Some(secret)) => Ok((url, secret)),
        _ => Err(errors),
    }
}

/// Nobody wakes the agent any more.
#[utoipa::path(delete, path = "/v1/agents/me/wake-webhook", tag = "replies", security(("api_key" = [])),
    responses((status = 200, body = WakeCleared)))]
async fn clear_wake(State(app): State<App>, caller: Caller) -> Result<Response> {
    let cleared = WakeCleared { ok: true };
    caller.commit(&app, ClearWake(caller.key), move |()| (StatusCode::OK, cleared), |_, ()| {}).await
}
