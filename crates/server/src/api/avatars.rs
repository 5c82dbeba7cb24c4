//! Avatars of agents and groups: `/v1/agents/{handle}/avatar`, `/v1/groups/{id}/avatar`, and `/avatars/`, where everybody
//! finds them.

use std::time::Duration;

use agentchat_core::attachments::storage_unavailable;
use agentchat_core::avatars::{
    CheckGroupAdmin, ClearAgentAvatar, ClearGroupAvatar, ExpectAvatar, GroupAvatarChanged, SetAgentAvatar,
    SetGroupAvatar, avatar_path,
};
use agentchat_objects::{ObjectError, PictureError, picture_key};
use agentchat_protocol::avatar::AvatarSet;
use agentchat_protocol::contact::Confirmed;
use agentchat_protocol::error::{ErrorBody, ErrorCode};
use agentchat_protocol::id::MessageId;
use agentchat_store::tables::avatar_object;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, StatusCode};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::own_only;
use super::groups::group_id;
use super::stored::{answer, unavailable};
use crate::app::App;
use crate::error::{AppError, Result};
use crate::extract::{Body, Caller, Capped, PathText, PathTexts};
use crate::limits::Policy;
use crate::sending::publish_posted;

/// Somebody deletes the same picture right now: how often, and after which pause, it is asked for again.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(set_own, clear_own))
        .routes(routes!(set_of_group, clear_of_group))
        .routes(routes!(picture))
}

/// Gives the caller a picture: JPEG, PNG, WebP or GIF becomes a square of 512 pixels.
#[utoipa::path(put, path = "/v1/agents/{handle}/avatar", tag = "files", security(("api_key" = [])),
    params(("handle" = String, Path, description = "The caller's own handle")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "An image"),
    responses((status = 200, body = AvatarSet)))]
async fn set_own(
    State(app): State<App>,
    caller: Caller,
    PathText(handle): PathText,
    Body(image): Body,
) -> Result<Response> {
    own_only(&caller, &handle)?;
    app.limit_agent(Policy::AvatarWrite, caller.key)?;
    let avatar = store(&app, &subject(b"agent", &caller.id.bytes()), image).await?;
    let (agent, answer) = (caller.key, answer_of(&app, &avatar));
    let operation = SetAgentAvatar { agent, avatar, now: app.clock.now() };
    let forget = move |app: &App, (): &()| app.agent_changed(agent, None);
    caller.commit(&app, operation, move |()| (StatusCode::OK, answer.clone()), forget).await
}

/// Takes the caller's picture away.
#[utoipa::path(delete, path = "/v1/agents/{handle}/avatar", tag = "files", security(("api_key" = [])),
    params(("handle" = String, Path, description = "The caller's own handle")),
    responses((status = 200, body = Confirmed)))]
async fn clear_own(State(app): State<App>, caller: Caller, PathText(handle): PathText) -> Result<Response> {
    own_only(&caller, &handle)?;
    app.limit_agent(Policy::AvatarWrite, caller.key)?;
    let agent = caller.key;
    let operation = ClearAgentAvatar { agent, now: app.clock.now() };
    let forget = move |app: &App, (): &()| app.agent_changed(agent, None);
    caller.commit(&app, operation, |()| (StatusCode::OK, Confirmed::OK), forget).await
}

/// Gives a group a picture, in place of its `avatar_url`.
#[utoipa::path(put, path = "/v1/groups/{id}/avatar", tag = "files", security(("api_key" = [])),
    params(("id" = String, Path, description = "A group")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "An image"),
    responses((status = 200, body = AvatarSet)))]
async fn set_of_group(
    State(app): State<App>,
    caller: Caller,
    PathText(id): PathText,
    Body(image): Body,
) -> Result<Response> {
    let group = group_id(&id);
    app.store.read(CheckGroupAdmin { caller: caller.key, group }).await?;
    app.limit_agent(Policy::AvatarWrite, caller.key)?;
    let avatar = store(&app, &subject(b"group", &group.bytes()), image).await?;
    let (now, answer) = (app.clock.now(), answer_of(&app, &avatar));
    let message = MessageId::from_bytes(app.entropy.uuid_v7(now));
    let operation = SetGroupAvatar { caller: caller.key, group, avatar, message, now };
    caller.commit(&app, operation, move |_| (StatusCode::OK, answer.clone()), publish).await
}

/// Takes a group's picture away, its `avatar_url` too.
#[utoipa::path(delete, path = "/v1/groups/{id}/avatar", tag = "files", security(("api_key" = [])),
    params(("id" = String, Path, description = "A group")),
    responses((status = 200, body = Confirmed)))]
async fn clear_of_group(State(app): State<App>, caller: Caller, PathText(id): PathText) -> Result<Response> {
    let group = group_id(&id);
    app.store.read(CheckGroupAdmin { caller: caller.key, group }).await?;
    app.limit_agent(Policy::AvatarWrite, caller.key)?;
    let now = app.clock.now();
    let message = MessageId::from_bytes(app.entropy.uuid_v7(now));
    let operation = ClearGroupAvatar { caller: caller.key, group, message, now };
    caller.commit(&app, operation, |_| (StatusCode::OK, Confirmed::OK), publish).await
}

fn publish(app: &App, changed: &GroupAvatarChanged) {
    if let Some(posted) = &changed.posted {
        publish_posted(app, posted);
    }
}

/// Whose picture it is, for the keyed hash in its name.
fn subject(kind: &[u8], id: &[u8; 16]) -> Vec<u8> {
    [kind, id].concat()
}

fn answer_of(app: &App, avatar: &str) -> AvatarSet {
    AvatarSet { avatar_key: avatar.to_owned(), avatar_url: format!("{}{}", app.public_url(), avatar_path(avatar)) }
}

/// Makes the picture and puts it where everybody finds it; answers its `avatar_key`. Nothing refers to it yet.
async fn store(app: &App, subject: &[u8], image: Bytes) -> Result<String> {
    let picture = app.files.pictures.square(image).await.map_err(refused)?;
    let avatar = picture_key(&app.files.avatar_names, subject, &picture);
    expect(app, &avatar).await?;
    app.files.objects.put(&avatar_object(&avatar), picture).await.map_err(unavailable)?;
    Ok(avatar)
}

async fn expect(app: &App, avatar: &str) -> Result<()> {
    for _ in 0..TRIES {
        let operation = ExpectAvatar { avatar: avatar.to_owned(), now: app.clock.now() };
        if app.store.write(operation).await? {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(AppError::from(storage_unavailable()).caused_by("the same picture is being deleted"))
}

fn refused(error: PictureError) -> AppError {
    let (code, text) = match error {
        PictureError::Empty => (ErrorCode::EmptyBody, "Send the image's bytes as the body".to_owned()),
        PictureError::Format => (ErrorCode::UnsupportedFormat, "Send JPEG, PNG, WebP or GIF".to_owned()),
        PictureError::Header => (ErrorCode::DecodeFailed, "The image's header cannot be read".to_owned()),
        PictureError::Small { min } => {
            let text = format!("Both sides need at least {min} pixels");
            return AppError::new(ErrorCode::ImageTooSmall, text).with_details(json!({ "min": min }));
        }
        PictureError::Failed => (ErrorCode::ProcessingFailed, "The image has too many pixels or is damaged".to_owned()),
    };
    AppError::new(code, text)
}

/// A picture, for everybody and for ever: another one has another name.
#[utoipa::path(get, path = "/avatars/{subject}/{file}", tag = "files",
    params(("subject" = String, Path, description = "The first part of an avatar_key"),
        ("file" = String, Path, description = "Its second part")),
    responses((status = 200, description = "The picture", content_type = "image/webp", body = Vec<u8>),
        (status = 404, body = ErrorBody, description = "NOT_FOUND")))]
async fn picture(
    State(app): State<App>,
    _: Capped,
    PathTexts(subject, file): PathTexts,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    if !is_name(&subject, &file) {
        return Err(AppError::not_found());
    }
    let name = avatar_object(&format!("{subject}/{file}"));
    let size = app.files.objects.size(&name).await.map_err(|error| match error {
        ObjectError::Absent => AppError::not_found(),
        failed @ ObjectError::Failed(_) => unavailable(failed),
    })?;
    let fixed = [
        (CONTENT_TYPE, HeaderValue::from_static("image/webp")),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    answer(&app.files.objects, &name, size, (&method, &headers), &fixed).await
}

/// What `picture_key` makes, and nothing that could lead elsewhere.
fn is_name(subject: &str, file: &str) -> bool {
    let is_hex =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex(subject, 16) && file.strip_suffix(".webp").is_some_and(|hash| is_hex(hash, 32))
}
