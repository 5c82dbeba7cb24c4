//! Pages for people and for language models: the reference in a browser, `llms.txt`, a skill file. All of them are made
//! from the OpenAPI document, the error codes and this server's limits, so that they say what the server does.

mod list;
mod reference;
mod skill;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(reference::routes()).merge(list::routes()).merge(skill::routes())
}

/// Where clients reach this server, without a slash at the end.
fn base(app: &App) -> &str {
    app.config.public_url.as_deref().unwrap_or_default().trim_end_matches('/')
}
