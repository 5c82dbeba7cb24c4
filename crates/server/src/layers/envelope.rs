//! No error leaves without the JSON envelope, also those that axum itself answers.

use agentchat_protocol::error::ErrorCode;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{ALLOW, CONTENT_TYPE, HeaderMap};
use serde_json::json;

use super::is_error;
use crate::error::AppError;

/// Replaces an error body that is not JSON; everything else passes.
pub(super) fn ensure(response: Response) -> Response {
    if !is_error(response.status()) || is_json(response.headers()) {
        return response;
    }
    let allow = response.headers().get(ALLOW).cloned();
    let mut replaced = replacement(response.status(), response.headers()).into_response();
    if let Some(allow) = allow {
        replaced.headers_mut().insert(ALLOW, allow);
    }
    replaced
}

fn replacement(status: StatusCode, headers: &HeaderMap) -> AppError {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => method_not_allowed(headers),
        StatusCode::NOT_FOUND => AppError::not_found(),
        StatusCode::SERVICE_UNAVAILABLE => AppError::unavailable("answered without an envelope"),
        other if other.is_client_error() => AppError::form("The request cannot be read"),
        other => AppError::internal(format!("answered {other} without an envelope")),
    }
}

fn method_not_allowed(headers: &HeaderMap) -> AppError {
    let allow = headers.get(ALLOW).and_then(|value| value.to_str().ok()).unwrap_or("");
    let allow: Vec<&str> = allow.split(',').map(str::trim).filter(|method| !method.is_empty()).collect();
    AppError::new(ErrorCode::MethodNotAllowed, format!("This path answers {}", allow.join(", ")))
        .with_details(json!({ "allow": allow }))
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}
