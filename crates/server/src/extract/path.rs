//! Path parameters. The outer layer has already decoded and checked the path's segments.

use agentchat_protocol::handle::Handle;
use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::app::App;
use crate::error::{AppError, Result};

/// The path's one handle, without `@`, in lower case; anything else is 404 `AGENT_NOT_FOUND`.
#[derive(Debug, Clone)]
pub(crate) struct PathHandle(pub(crate) Handle);

/// The path's one parameter, decoded, whatever it is: the handler knows what a malformed one means.
#[derive(Debug, Clone)]
pub(crate) struct PathText(pub(crate) String);

impl FromRequestParts<App> for PathText {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| AppError::not_found())?;
        let first = params.iter().next().map(|(_, value)| value.to_owned());
        first.map(Self).ok_or_else(|| AppError::internal("the route has no path parameter"))
    }
}

/// The path's two parameters, decoded, whatever they are.
#[derive(Debug, Clone)]
pub(crate) struct PathTexts(pub(crate) String, pub(crate) String);

impl FromRequestParts<App> for PathTexts {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| AppError::not_found())?;
        let mut values = params.iter().map(|(_, value)| value.to_owned());
        let both = values.next().zip(values.next()).map(|(first, second)| Self(first, second));
        both.ok_or_else(|| AppError::internal("the route has no two path parameters"))
    }
}

impl FromRequestParts<App> for PathHandle {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let PathText(text) = PathText::from_request_parts(parts, app).await?;
        Handle::parse(&text).map(Self).map_err(|_| AppError::agent_not_found())
    }
}
