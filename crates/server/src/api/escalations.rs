//! `/admin/support-escalations`: what agents reported to the operator.

use agentchat_core::support::{ChangeEscalation, ListEscalations, StatusFilter};
use agentchat_protocol::support::{EscalationChange, EscalationChanged, Escalations};
use agentchat_protocol::text;
use agentchat_protocol::validate::{FieldErrors, REQUIRED};
use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Body, Operator, PathText, Query};

const PAGE_MAX: u64 = 200;
const PAGE: u64 = 50;
/// Says which operator changes something.
const OPERATOR: &str = "X-Ops-Operator";
/// Characters of it.
const OPERATOR_MAX: usize = 128;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(change))
}

/// What was reported, newest first; without a status, what waits for somebody.
#[utoipa::path(get, path = "/admin/support-escalations", tag = "admin", security(("operator" = [])),
    params(("status" = Option<String>, Query, description = "live, open, in_progress, resolved, discarded or all"),
        ("limit" = Option<u64>, Query), ("before" = Option<String>, Query, description = "A time")),
    responses((status = 200, body = Escalations)))]
async fn list(_: Operator, State(app): State<App>, query: Query) -> Result<Json<Escalations>> {
    let mut errors = FieldErrors::default();
    let limit = query.limit(PAGE_MAX, PAGE, &mut errors);
    let filter = StatusFilter::parse(query.text("status").unwrap_or("live"));
    if filter.is_none() {
        errors.field("status", "Expected live, open, in_progress, resolved, discarded or all");
    }
    let before = query.text("before").map(str::parse);
    if matches!(before, Some(Err(_))) {
        errors.field("before", "Expected an RFC 3339 time");
    }
    errors.into_result()?;
    let operation =
        ListEscalations { filter: filter.unwrap_or(StatusFilter::Live), before: before.and_then(Result::ok), limit };
    Ok(Json(Escalations { escalations: app.store.read(operation).await? }))
}

/// Moves a report to another status.
#[utoipa::path(patch, path = "/admin/support-escalations/{id}", tag = "admin", security(("operator" = [])),
    params(("id" = String, Path), ("X-Ops-Operator" = String, Header, description = "Who does it")),
    request_body(content_type = "application/json", description = "status, resolution_note?"),
    responses((status = 200, body = EscalationChanged)))]
async fn change(
    _: Operator,
    State(app): State<App>,
    PathText(id): PathText,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Json<EscalationChanged>> {
    let mut errors = FieldErrors::default();
    let operator = operator(&headers, &mut errors);
    let change = EscalationChange::read(&body, &mut errors);
    let (Some(operator), Some(change), true) = (operator, change, errors.is_empty()) else {
        return Err(errors.into());
    };
    let operation = ChangeEscalation { id: id.parse().ok(), change, operator, now: app.clock.now() };
    Ok(Json(EscalationChanged { escalation: app.store.write(operation).await? }))
}

fn operator(headers: &HeaderMap, errors: &mut FieldErrors) -> Option<String> {
    let given = headers.get(OPERATOR).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let checked = text::single_line(given.unwrap_or(""), OPERATOR_MAX);
    match checked {
        Ok(name) if name.is_empty() => errors.field(OPERATOR, REQUIRED),
        Ok(name) => return Some(name),
        Err(problem) => errors.field(OPERATOR, problem),
    };
    None
}
