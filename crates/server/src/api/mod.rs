//! The routes, one file a resource. Each file exports `routes()`; here they become one router and one
//! OpenAPI document.

mod accounts;
mod admin;
mod agents;
mod conversations;
mod messages;
mod service;
mod sync;

use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::error::AppError;

/// Every route of the server, and the document that describes them.
pub(crate) fn router(app: App) -> (Router, OpenApi) {
    let (router, document) = documented().split_for_parts();
    let router = router.merge(service::document_route(&document)).fallback(no_such_route).with_state(app);
    (router, document)
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(service::document())
        .merge(service::routes())
        .merge(accounts::routes())
        .merge(agents::routes())
        .merge(admin::routes())
        .merge(conversations::routes())
        .merge(messages::routes())
        .merge(sync::routes())
}

async fn no_such_route() -> AppError {
    AppError::not_found()
}
