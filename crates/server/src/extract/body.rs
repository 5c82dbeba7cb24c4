//! The raw request body under the JSON cap. It is parsed by the types of `agentchat-protocol`.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::app::App;
use crate::error::{AppError, Result};

/// A JSON body that takes longer than this is held back on purpose.
const WITHIN: Duration = Duration::from_secs(30);

/// The bytes of a JSON body, at most `json_body` of them; larger is 413 before anything is parsed.
#[derive(Debug)]
pub(crate) struct Body(pub(crate) Bytes);

/// Proof that the body is under the cap, for public routes that do not read it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capped;

impl FromRequestParts<App> for Capped {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        check_size(parts, app).map(|()| Self)
    }
}

/// Put on requests by the outer layer when a body without a length turned out too large.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TooLarge;

impl FromRequest<App> for Body {
    type Rejection = AppError;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let (parts, body) = request.into_parts();
        check_size(&parts, app)?;
        let cap = cap(app);
        match read(body, cap).await {
            Ok(body) => Ok(Self(body)),
            Err(Unread::TooLarge) => Err(AppError::payload_too_large(cap)),
            Err(Unread::Broken) => Err(AppError::form("The body ended early")),
        }
    }
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    TooLarge,
    /// The connection broke, or nothing came for too long.
    Broken,
}

/// Reads a body of at most `cap` bytes.
pub(crate) async fn read(body: axum::body::Body, cap: usize) -> Result<Bytes, Unread> {
    let collected = tokio::time::timeout(WITHIN, Limited::new(body, cap).collect()).await;
    match collected.map_err(|_| Unread::Broken)? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Err(_) => Err(Unread::Broken),
    }
}

/// The body cap comes before authentication and policies, so every extractor of a caller or address asks first.
pub(super) fn check_size(parts: &Parts, app: &App) -> Result<()> {
    let cap = cap(app);
    let announced = declared_length(&parts.headers).is_some_and(|length| length > cap as u64);
    if announced || parts.extensions.get::<TooLarge>().is_some() {
        return Err(AppError::payload_too_large(cap));
    }
    Ok(())
}

/// What `Content-Length` says, if it says anything.
pub(crate) fn declared_length(headers: &http::HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Bytes a JSON body may have.
pub(crate) fn cap(app: &App) -> usize {
    usize::try_from(app.limits.json_body).unwrap_or(usize::MAX)
}
