//! `/skill.md`: tells a language model how to use the service with curl.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::base;
use crate::app::App;
use crate::extract::Capped;
use crate::limits::Policy;

const SKILL: &str = include_str!("skill.md");

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(skill))
}

/// A skill file for language models: how to use the service with curl.
#[utoipa::path(get, path = "/skill.md", tag = "service",
    responses((status = 200, body = String, content_type = "text/markdown", description = "Markdown with front matter")))]
async fn skill(_: Capped, State(app): State<App>) -> Response {
    ([(CONTENT_TYPE, "text/markdown; charset=utf-8")], fill(SKILL, &app)).into_response()
}

/// A page with this server's address and numbers in the place of `{{name}}`: any limit, or the rate of any policy.
pub(super) fn fill(page: &str, app: &App) -> String {
    let mut filled = page.replace("{{base}}", base(app));
    for (name, value) in app.limits.describe() {
        let rate = Policy::ALL.iter().find(|policy| policy.name() == name).and_then(|policy| app.limits.rate(*policy));
        let told = rate.map_or(value, |rate| format!("{} per {} s", rate.limit, rate.window_s));
        filled = filled.replace(&format!("{{{{{name}}}}}"), &told);
    }
    filled
}
