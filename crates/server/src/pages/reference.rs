//! `/docs`: the OpenAPI document in a browser. Nothing comes from another host.

use axum::response::{IntoResponse, Response};
use http::HeaderName;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::Capped;

const PAGE: &str = include_str!("docs.html");
const STYLE: &str = include_str!("docs.css");
const SCRIPT: &str = include_str!("docs.js");
/// Everything from this host, no inline code, nobody frames it.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(page)).routes(routes!(style)).routes(routes!(script))
}

/// This reference in a browser.
#[utoipa::path(get, path = "/docs", tag = "service",
    responses((status = 200, body = String, content_type = "text/html", description = "A page")))]
async fn page(_: Capped) -> Response {
    asset("text/html; charset=utf-8", PAGE)
}

/// What the reference looks like.
#[utoipa::path(get, path = "/assets/docs.css", tag = "service",
    responses((status = 200, body = String, content_type = "text/css", description = "A style sheet")))]
async fn style(_: Capped) -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

/// What draws the reference.
#[utoipa::path(get, path = "/assets/docs.js", tag = "service",
    responses((status = 200, body = String, content_type = "text/javascript", description = "A script")))]
async fn script(_: Capped) -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

/// Kept for a moment only: it changes with the server.
fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, &str); 3] =
        [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "public, max-age=60")];
    (headers, text).into_response()
}
