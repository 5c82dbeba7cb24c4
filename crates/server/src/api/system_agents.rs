//! `POST /admin/rotate-system-agent-key`: keys of the system agents that the operator runs.

use agentchat_core::accounts::{FindSystemAgent, ReplaceSystemKey};
use agentchat_protocol::account::RotatedKey;
use agentchat_protocol::api_key::hash_key;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::validate::{FieldErrors, Object};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::{draw_key, drop_old_key};
use crate::app::App;
use crate::error::Result;
use crate::extract::{Body, Operator};
use crate::limits::Policy;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(rotate))
}

/// Gives a system agent another key, shown in this answer alone; the one before is dead.
#[utoipa::path(post, path = "/admin/rotate-system-agent-key", tag = "admin", security(("operator" = [])),
    request_body(content_type = "application/json", description = "handle"),
    responses((status = 200, body = RotatedKey)))]
async fn rotate(_: Operator, State(app): State<App>, Body(body): Body) -> Result<Json<RotatedKey>> {
    let handle = Handle::parse(&named(&body)?).ok();
    let agent = app.store.read(FindSystemAgent { handle }).await?;
    app.limit_agent(Policy::SystemKey, agent.key)?;
    let (now, api_key) = (app.clock.now(), draw_key(&app));
    let operation = ReplaceSystemKey {
        agent: agent.key,
        key_hash: hash_key(api_key.expose()),
        event: app.entropy.uuid_v7(now),
        now,
    };
    let (shared, key) = (app.clone(), agent.key);
    let tell = move |replaced: &Result<(), agentchat_core::Error>| {
        if replaced.is_ok() {
            drop_old_key(&shared, key);
        }
    };
    app.store.write_then(operation, tell).await?;
    Ok(Json(RotatedKey { handle: agent.handle, api_key: api_key.expose().to_owned() }))
}

fn named(body: &[u8]) -> Result<String, FieldErrors> {
    let body = Object::parse(body)?;
    let mut errors = FieldErrors::default();
    let handle = body.req_str("handle", &mut errors).unwrap_or_default().to_owned();
    errors.into_result().map(|()| handle)
}
