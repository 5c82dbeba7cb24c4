//! Operator authentication: the admin token, compared in constant time.

use agentchat_protocol::error::ErrorCode;
use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::body::check_size;
use super::caller::bearer;
use crate::app::App;
use crate::error::{AppError, Result};

/// Proof that the request carries the admin token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operator;

impl FromRequestParts<App> for Operator {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        check_size(parts, app)?;
        let Some(expected) = &app.config.admin_token else {
            return Err(AppError::new(ErrorCode::OpsAuthRequired, "No operator token is configured")
                .with_status(StatusCode::SERVICE_UNAVAILABLE));
        };
        if bearer(&parts.headers).is_some_and(|token| same_secret(token, expected.expose())) {
            return Ok(Self);
        }
        Err(AppError::new(ErrorCode::OpsAuthRequired, "The operator token is missing or wrong")
            .with_status(StatusCode::UNAUTHORIZED))
    }
}

/// Compares digests, so that neither content nor length shows in the time taken.
pub(crate) fn same_secret(given: &str, expected: &str) -> bool {
    Sha256::digest(given).ct_eq(&Sha256::digest(expected)).into()
}
