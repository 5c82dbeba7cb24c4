//! `/v1/reply`, `/v1/pending-reviews` and the wake webhook: who replies for an agent.

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}
