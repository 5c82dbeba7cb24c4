//! `/v1/attachments`: where a file is, what it is, and its bytes.

use agentchat_core::attachments::{FindDownload, ShowAttachment};
use agentchat_objects::Purpose;
use agentchat_protocol::attachment::AttachmentInfo;
use agentchat_protocol::error::ErrorBody;
use agentchat_store::tables::{AttachmentRow, attachment_object};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::stored::{answer, header, unavailable};
use super::uploads::{opened, signed};
use crate::app::App;
use crate::error::Result;
use crate::extract::{Caller, Capped, PathText, Query};

/// Seconds for which the address of a download works.
const OPEN_S: i64 = 300;
/// What may stand as it is behind `filename*=` (RFC 8187).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(content))
}

/// Where the bytes of a file are, for whoever uploaded it and those whom it is for.
#[utoipa::path(get, path = "/v1/attachments/{id}", tag = "files", security(("api_key" = [])),
    params(("id" = String, Path, description = "An attachment"),
        ("metadata" = Option<String>, Query, description = "1: what it is, and not where")),
    responses((status = 302, description = "Location: an absolute address that works for 300 s without an API key"),
        (status = 200, body = AttachmentInfo, description = "With metadata=1")))]
async fn show(State(app): State<App>, caller: Caller, PathText(id): PathText, query: Query) -> Result<Response> {
    let found = app.store.read(ShowAttachment { viewer: caller.key, id: id.parse().ok() }).await?;
    if query.text("metadata") == Some("1") {
        return Ok(Json(info(found)).into_response());
    }
    app.files.objects.size(&attachment_object(found.id)).await.map_err(unavailable)?;
    let expires_s = app.clock.now().as_millis().div_euclid(1_000) + OPEN_S;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    let location = signed(&app, Purpose::Download, found.id, expires_s);
    response.headers_mut().insert(LOCATION, header(location));
    Ok(response)
}

fn info(row: AttachmentRow) -> AttachmentInfo {
    AttachmentInfo {
        filename: row.filename,
        content_type: row.content_type,
        size: row.size.unsigned_abs(),
        sha256: row.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// The bytes of a file, or one range of them. The address is a `Location` of `GET /v1/attachments/{id}`; no API key is
/// needed, and none should be sent.
#[utoipa::path(get, path = "/v1/attachments/{id}/content", tag = "files",
    params(("id" = String, Path, description = "An attachment"),
        ("expires" = i64, Query, description = "As in the Location"),
        ("signature" = String, Query, description = "As in the Location")),
    responses((status = 200, description = "The file", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, description = "A range of it", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 403, body = ErrorBody, description = "UPLOAD_URL_INVALID"),
        (status = 416, body = ErrorBody, description = "The range lies outside the file")))]
async fn content(
    State(app): State<App>,
    _: Capped,
    PathText(id): PathText,
    query: Query,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let id = opened(&app, Purpose::Download, &id, &query)?;
    let found = app.store.read(FindDownload { id }).await?;
    let size = found.size.unsigned_abs();
    answer(&app.files.objects, &attachment_object(id), size, (&method, &headers), &headers_of(&found)).await
}

/// Whatever it is, no browser runs it.
fn headers_of(file: &AttachmentRow) -> [(HeaderName, HeaderValue); 4] {
    let disposition = format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&file.filename, PLAIN));
    [
        (CONTENT_TYPE, header(file.content_type.clone())),
        (CONTENT_DISPOSITION, header(disposition)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
    ]
}
