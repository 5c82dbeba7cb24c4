//! `POST /admin/backup`: a copy of the folder's store, while it is served.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::validate::{FieldErrors, Object};
use agentchat_store::backup::{Backup, BackupError};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{AppError, Result};
use crate::extract::{Body, Operator};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(back_up))
}

/// A backup, complete and synced.
#[derive(Debug, Serialize, ToSchema)]
struct BackupMade {
    /// The database, on the server's machine; beside it the list of the objects it refers to, whose bytes are not
    /// copied, and the hashes of both.
    file: String,
    bytes: u64,
    /// Of `file`, in hexadecimal.
    sha256: String,
}

impl From<Backup> for BackupMade {
    fn from(made: Backup) -> Self {
        let sha256 = made.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { file: made.file.display().to_string(), bytes: made.bytes, sha256 }
    }
}

/// Copies the store of a data folder as it is at one moment; requests are served meanwhile. Answers once the copy is on
/// disk, which takes as long as reading and writing the database does.
#[utoipa::path(post, path = "/admin/backup", tag = "admin", security(("operator" = [])),
    request_body(content_type = "application/json", description = "name"),
    responses((status = 200, body = BackupMade)))]
async fn back_up(_: Operator, State(app): State<App>, Body(body): Body) -> Result<Json<BackupMade>> {
    let object = Object::parse(&body)?;
    let mut errors = FieldErrors::default();
    let name = object.req_str("name", &mut errors).unwrap_or("").to_owned();
    errors.into_result()?;
    let shared = app.clone();
    // Brought to its end even if nobody waits for the answer.
    let made = app.spawn_answer(async move { shared.store.back_up(&name).await }).await;
    let made = made.map_err(AppError::internal)?.map_err(failed)?;
    tracing::info!(file = %made.file.display(), bytes = made.bytes, objects = made.objects, "backup");
    Ok(Json(made.into()))
}

fn failed(error: BackupError) -> AppError {
    let mut errors = FieldErrors::default();
    match &error {
        BackupError::Exists | BackupError::Name => errors.field("name", error.to_string()),
        BackupError::Shared => errors.form(error.to_string()),
        _ => {
            let message = format!("No backup was made: {error}");
            return AppError::new(ErrorCode::ServiceUnavailable, message).with_retry_after(RETRY_MS).caused_by(error);
        }
    };
    errors.into()
}

/// A disk or a busy hour does not change within a second.
const RETRY_MS: u64 = 60_000;
