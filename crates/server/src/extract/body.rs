//! The raw request body under the JSON cap. It is parsed by the types of `agentchat-protocol`.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::Method;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::Instant;

use crate::app::App;
use crate::error::{AppError, Result};

/// A body of a MiB that takes longer than this is held back on purpose.
const WITHIN: Duration = Duration::from_secs(30);
const MIB: usize = 1024 * 1024;
/// A streamed body of which nothing comes for so long has ended.
const SILENCE: Duration = Duration::from_secs(30);
/// No streamed body takes longer, however slowly it drips: addresses and slots are kept for this long behind their end.
const STREAMED_WITHIN: Duration = Duration::from_secs(30 * 60);
/// Bytes of a refused body that are read and dropped, so that the client sees the answer and not a reset.
const DRAINED: usize = 16 * MIB;
const DRAINED_WITHIN: Duration = Duration::from_secs(5);

/// The bytes of a body, at most as many as its route allows; larger is 413 before anything is parsed.
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
        let cap = cap(app, &parts.method, parts.uri.path());
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
    let within = WITHIN * u32::try_from(cap.div_ceil(MIB)).unwrap_or(1).max(1);
    let collected = tokio::time::timeout(within, Limited::new(body, cap).collect()).await;
    match collected.map_err(|_| Unread::Broken)? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Err(_) => Err(Unread::Broken),
    }
}

/// The body cap comes before authentication and policies, so every extractor of a caller or address asks first.
pub(super) fn check_size(parts: &Parts, app: &App) -> Result<()> {
    let cap = cap(app, &parts.method, parts.uri.path());
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

/// Whether a route takes its body as a stream, of which only so much is in memory as is looked at.
pub(crate) fn is_streamed(method: &Method, path: &str) -> bool {
    method == Method::PUT && path.starts_with("/v1/uploads/")
}

/// Bytes a body of this route may have.
pub(crate) fn cap(app: &App, method: &Method, path: &str) -> usize {
    let limits = &app.limits;
    let bytes = match method {
        _ if is_streamed(method, path) => limits.attachment_bytes,
        &Method::PUT if path.ends_with("/avatar") => limits.avatar_bytes,
        _ => limits.json_body,
    };
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Reads what is left of a body that is refused and drops it, within reason.
pub(crate) async fn drain(body: &mut axum::body::Body) {
    let drain = async {
        let mut seen = 0;
        while seen <= DRAINED
            && let Some(Ok(frame)) = body.frame().await
        {
            seen += frame.data_ref().map_or(0, Bytes::len);
        }
    };
    let _enough = tokio::time::timeout(DRAINED_WITHIN, drain).await;
}

/// A body as it comes.
#[derive(Debug)]
pub(crate) struct Streamed {
    body: axum::body::Body,
    until: Instant,
}

impl FromRequest<App> for Streamed {
    type Rejection = AppError;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        Ok(Self { body: request.into_body(), until: Instant::now() + STREAMED_WITHIN })
    }
}

impl Streamed {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, or nothing came for too long.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        let until = self.until.min(Instant::now() + SILENCE);
        loop {
            let frame = tokio::time::timeout_at(until, self.body.frame()).await;
            match frame {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => {
                    // Trailers say nothing here.
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Ok(Some(Err(_))) | Err(_) => return Err(AppError::form("The body ended early")),
            }
        }
    }

    /// Reads the rest and drops it, within reason.
    pub(crate) async fn drain(&mut self) {
        drain(&mut self.body).await;
    }
}
