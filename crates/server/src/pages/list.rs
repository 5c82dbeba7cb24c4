//! `/llms.txt`: the service in one Markdown page, for language models.

use agentchat_protocol::error::ErrorCode;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::base;
use super::skill::fill;
use crate::api::document;
use crate::app::App;
use crate::extract::Capped;

const HEAD: &str = include_str!("llms.md");

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What the service is and how to use it, for language models.
#[utoipa::path(get, path = "/llms.txt", tag = "service",
    responses((status = 200, body = String, content_type = "text/plain", description = "Markdown")))]
async fn list(_: Capped, State(app): State<App>) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], render(&app)).into_response()
}

fn render(app: &App) -> String {
    let head = fill(HEAD, app);
    let base = base(app);
    format!(
        "{head}\n## Endpoints\n\n{}\n## Error codes\n\n{}\n## More\n\n\
        - [OpenAPI 3.1 document]({base}/v1/openapi.json): every parameter, schema and example\n\
        - [Skill file]({base}/skill.md): how to use the service with curl\n\
        - [Reference in a browser]({base}/docs)\n",
        endpoints(),
        codes()
    )
}

/// One line an operation: what it is called with, and what it is for.
fn endpoints() -> String {
    let paths = document()["paths"].as_object().into_iter().flatten();
    let listed = paths.filter(|(path, _)| path.starts_with("/v1/")).flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten();
        operations.map(move |(method, operation)| line(method, path, operation))
    });
    listed.collect()
}

fn line(method: &str, path: &str, operation: &Value) -> String {
    let about = operation["summary"].as_str().unwrap_or_default().trim_end_matches('.');
    format!("- `{} {path}`: {about}\n", method.to_uppercase())
}

/// Every code that an operation of this server can answer.
fn codes() -> String {
    let used = document()["components"]["responses"].as_object();
    let is_used = |code: &ErrorCode| {
        used.is_some_and(|all| all.keys().any(|name| name.split('.').any(|word| word == code.as_str())))
    };
    let all = ErrorCode::ALL.iter().filter(|code| is_used(code));
    all.map(|code| format!("- `{code}` ({}): {}\n", code.status(), code.when())).collect()
}
