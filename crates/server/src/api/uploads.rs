//! `/v1/uploads`: slots for files, and the bytes that go into them.

use agentchat_core::attachments::{CompleteUpload, CreateUpload, FindUpload, SLOT_MS};
use agentchat_objects::{Declaration, Mismatch, Purpose, Verifier, Writing};
use agentchat_protocol::attachment::{NewUpload, UploadSlot, Uploaded};
use agentchat_protocol::error::{ErrorBody, ErrorCode};
use agentchat_protocol::id::AttachmentId;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{AttachmentRow, attachment_object};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::stored::unavailable;
use crate::app::App;
use crate::error::{AppError, Result};
use crate::extract::{Body, Caller, Capped, PathText, Query, Streamed, declared_length};
use crate::limits::{Key, Policy, Weighed, take_weighed};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(upload))
}

/// Makes a slot for a file, for one agent or one group. Its bytes go to `upload_url`.
#[utoipa::path(post, path = "/v1/uploads", tag = "files", security(("api_key" = [])),
    request_body(content_type = "application/json",
        description = "to | conversation_id (a group's), filename, content_type, size, sha256"),
    responses((status = 201, body = UploadSlot)))]
async fn create(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Response> {
    let request = NewUpload::parse(&body, app.limits.attachment_bytes)?;
    take_tokens(&app, caller.key, request.size).await?;
    let now = app.clock.now();
    let id = AttachmentId::from_bytes(app.entropy.uuid_v7(now));
    let storage_works = app.files.objects.is_healthy().await;
    let operation = CreateUpload { caller: caller.key, request, id, storage_works, now };
    let expires_s = (now.as_millis() + SLOT_MS).div_euclid(1_000);
    let slot = UploadSlot {
        attachment_id: id,
        upload_url: signed(&app, Purpose::Upload, id, expires_s),
        expires_in: SLOT_MS.unsigned_abs() / 1_000,
    };
    caller.commit(&app, operation, move |()| (StatusCode::CREATED, slot.clone()), |_, ()| {}).await
}

/// One slot, which counts on each node for itself, and its bytes, which count on all; or neither.
async fn take_tokens(app: &App, agent: AgentKey, bytes: u64) -> Result<()> {
    let key = Key::Agent(agent.0);
    let (slot, weight) = (Weighed::one(Policy::Upload, key), Weighed::of(Policy::UploadBytes, key, bytes));
    if !app.is_shared() {
        crate::limits::hold(app.limiter.reserve_weighed(&[slot, weight]).granted()?);
        return Ok(());
    }
    let reserved = app.limiter.reserve_weighed(&[slot]).granted()?;
    let rate = app.limits.rate(Policy::UploadBytes);
    if let Err(refusal) = take_weighed(&app.store, weight, rate, app.clock.now()).await {
        reserved.release();
        return Err(refusal.into());
    }
    crate::limits::hold(reserved);
    Ok(())
}

/// An address that opens one attachment until a second of the clock.
pub(super) fn signed(app: &App, purpose: Purpose, id: AttachmentId, expires_s: i64) -> String {
    let signature = app.files.addresses.sign(purpose, &id.bytes(), expires_s);
    let path = match purpose {
        Purpose::Upload => format!("/v1/uploads/{id}"),
        Purpose::Download => format!("/v1/attachments/{id}/content"),
    };
    format!("{}{path}?expires={expires_s}&signature={signature}", app.public_url())
}

/// The attachment of an address, if we signed it and its time is not over.
///
/// # Errors
/// `UPLOAD_URL_INVALID`.
pub(super) fn opened(app: &App, purpose: Purpose, id: &str, query: &Query) -> Result<AttachmentId> {
    let found = || {
        let id: AttachmentId = id.parse().ok()?;
        let expires_s: i64 = query.text("expires")?.parse().ok()?;
        let now_s = app.clock.now().as_millis().div_euclid(1_000);
        let ours = app.files.addresses.verify(purpose, &id.bytes(), expires_s, query.text("signature")?, now_s);
        ours.then_some(id)
    };
    found().ok_or_else(invalid_url)
}

fn invalid_url() -> AppError {
    AppError::new(ErrorCode::UploadUrlInvalid, "This address is forged or has expired; ask for a new one")
}

/// Takes the bytes of a file. The address is the `upload_url` of a slot; no API key is needed.
#[utoipa::path(put, path = "/v1/uploads/{id}", tag = "files",
    params(("id" = String, Path, description = "An attachment"),
        ("expires" = i64, Query, description = "As in upload_url"),
        ("signature" = String, Query, description = "As in upload_url")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file"),
    responses((status = 200, body = Uploaded),
        (status = 400, body = ErrorBody, description = "ATTACHMENT_MISMATCH"),
        (status = 403, body = ErrorBody, description = "UPLOAD_URL_INVALID")))]
async fn upload(
    State(app): State<App>,
    _: Capped,
    PathText(id): PathText,
    query: Query,
    headers: HeaderMap,
    body: Streamed,
) -> Result<Json<Uploaded>> {
    let arrived = arrive(&app, &id, &query, &headers, body).await?;
    Ok(Json(Uploaded { ok: true, attachment_id: arrived }))
}

async fn arrive(app: &App, id: &str, query: &Query, headers: &HeaderMap, mut body: Streamed) -> Result<AttachmentId> {
    let slot = match find(app, id, query).await {
        Ok(slot) => slot,
        Err(error) => {
            body.drain().await;
            return Err(error);
        }
    };
    let declared = declaration(&slot);
    if declared_length(headers).is_some_and(|length| length != declared.size) {
        body.drain().await;
        return Err(mismatch(Mismatch::Size));
    }
    // What is there already is only looked at.
    let writing = (!slot.complete).then(|| app.files.objects.begin(&attachment_object(slot.id)));
    let writing = receive(&mut body, Verifier::new(&declared), writing).await?;
    if let Some(writing) = writing {
        writing.commit().await.map_err(unavailable)?;
        if !app.store.write(CompleteUpload { id: slot.id }).await? {
            return Err(invalid_url());
        }
    }
    Ok(slot.id)
}

async fn find(app: &App, id: &str, query: &Query) -> Result<AttachmentRow> {
    let id = opened(app, Purpose::Upload, id, query)?;
    app.store.read(FindUpload { id }).await?.ok_or_else(invalid_url)
}

fn declaration(slot: &AttachmentRow) -> Declaration {
    Declaration { size: slot.size.unsigned_abs(), sha256: slot.sha256, content_type: slot.content_type.clone() }
}

/// Passes the bytes to the store while they are looked at. Nothing of them is to be seen there unless all are right.
async fn receive(body: &mut Streamed, mut verifier: Verifier, mut writing: Option<Writing>) -> Result<Option<Writing>> {
    let mut failed = None;
    while let Some(chunk) = body.next().await? {
        if let Err(wrong) = verifier.push(&chunk) {
            body.drain().await;
            return Err(mismatch(wrong));
        }
        if let Err(error) = write(&mut writing, &chunk).await {
            // Whether the bytes are right is answered first, so the rest is looked at all the same.
            (failed, writing) = (Some(error), None);
        }
    }
    verifier.finish().map_err(mismatch)?;
    failed.map_or(Ok(writing), Err)
}

async fn write(writing: &mut Option<Writing>, chunk: &Bytes) -> Result<()> {
    match writing {
        Some(writing) => writing.write(chunk).await.map_err(unavailable),
        None => Ok(()),
    }
}

fn mismatch(wrong: Mismatch) -> AppError {
    let field = wrong.field();
    AppError::new(ErrorCode::AttachmentMismatch, format!("The bytes are not what was declared: {field} differs"))
        .with_details(json!({ "field": field }))
}
