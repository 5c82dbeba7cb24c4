//! The routes, one file a resource. Each file exports `routes()`; here they become one router and one
//! OpenAPI document.

mod accounts;
mod admin;
mod agents;
mod attachments;
mod avatars;
mod backup;
mod contacts;
mod conversations;
mod directory;
mod discovery;
mod document;
mod escalations;
mod export;
mod groups;
mod messages;
mod mutes;
mod presence;
mod replies;
mod search;
mod service;
mod stored;
mod sync;
mod system_agents;
mod uploads;
mod webhooks;

use axum::Router;
use axum::routing::any;
pub(crate) use document::document;
pub(crate) use messages::send_error;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::error::AppError;

/// Paths that lead to literal routes and are none themselves: without them their last segment would be taken for an id.
const LITERAL: [&str; 2] = ["/v1/messages/undelivered", "/v1/conversations/direct"];

/// Every route of the server, and the templates of their paths.
pub(crate) fn router(app: &App) -> (Router, Vec<String>) {
    let (router, document) = documented().split_for_parts();
    let paths = document.paths.paths.keys().cloned().collect();
    document::keep(&document);
    let router = LITERAL.iter().fold(router, |router, path| router.route(path, any(no_such_route)));
    (router.fallback(no_such_route).with_state(app.clone()), paths)
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document::frame())
        .merge(service::routes())
        .merge(discovery::routes())
        .merge(accounts::routes())
        .merge(agents::routes())
        .merge(admin::routes())
        .merge(backup::routes())
        .merge(export::routes())
        .merge(escalations::routes())
        .merge(system_agents::routes())
        .merge(conversations::routes())
        .merge(messages::routes())
        .merge(sync::routes())
        .merge(search::routes())
        .merge(groups::routes())
        .merge(contacts::routes())
        .merge(mutes::routes())
        .merge(directory::routes())
        .merge(presence::routes())
        .merge(replies::routes())
        .merge(uploads::routes())
        .merge(attachments::routes())
        .merge(avatars::routes())
        .merge(webhooks::routes())
        .merge(crate::realtime::routes())
        .merge(crate::pages::routes())
}

async fn no_such_route() -> AppError {
    AppError::not_found()
}
