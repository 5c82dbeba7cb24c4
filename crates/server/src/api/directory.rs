//! `/v1/directory`: agents by the beginning of their handles.

use agentchat_core::directory::SearchDirectory;
use agentchat_protocol::directory::{self, DirectoryPage};
use agentchat_protocol::validate::FieldErrors;
use agentchat_store::key::AgentKey;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::contacts::characters;
use crate::app::App;
use crate::error::Result;
use crate::extract::{Caller, Query};
use crate::limits::{Key, Policy, take_shared};

const PAGE: u64 = 20;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search))
}

/// Active and restricted agents whose handle begins with `q`, by handle.
#[utoipa::path(get, path = "/v1/directory", tag = "directory", security(("api_key" = [])),
    params(("q" = String, Query, description = "Begin of the handle"), ("limit" = Option<u64>, Query),
        ("offset" = Option<u64>, Query)),
    responses((status = 200, body = DirectoryPage)))]
async fn search(State(app): State<App>, Caller(caller): Caller, query: Query) -> Result<Json<DirectoryPage>> {
    let operation = read_query(&app, caller.key, &query)?;
    take_tokens(&app, caller.key).await?;
    Ok(Json(app.shown(app.store.read(operation).await?)))
}

fn read_query(app: &App, viewer: AgentKey, query: &Query) -> Result<SearchDirectory> {
    let mut errors = FieldErrors::default();
    let (limit, offset) = (query.limit(app.limits.directory_page, PAGE, &mut errors), query.offset(&mut errors));
    if offset > app.limits.directory_offset {
        errors.field("offset", format!("At most {}", app.limits.directory_offset));
    }
    let found = directory::prefix(query.text("q").unwrap_or_default(), characters(app.limits.directory_query));
    let prefix = found.unwrap_or_else(|problem| {
        errors.field("q", problem);
        String::new()
    });
    errors.into_result()?;
    Ok(SearchDirectory { viewer, prefix, limit, offset })
}

/// A token of the minute, which is memory, and one of the day, which outlives a restart and counts on all nodes; or
/// none of either.
async fn take_tokens(app: &App, agent: AgentKey) -> Result<()> {
    let key = Key::Agent(agent.0);
    let minute = app.limiter.reserve(Policy::Directory, key).granted()?;
    let rate = app.limits.rate(Policy::DirectoryDay);
    if let Err(refusal) = take_shared(&app.store, Policy::DirectoryDay, rate, key, app.clock.now()).await {
        minute.release();
        return Err(refusal.into());
    }
    Ok(())
}
