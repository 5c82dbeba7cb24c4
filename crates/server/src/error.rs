//! The one map from failures to the flat JSON error envelope.

use std::fmt;

use agentchat_core::{Refusal, Rejection};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::validate::FieldErrors;
use agentchat_store::StoreError;
use axum::response::{IntoResponse, Response};
use bytes::{BufMut, BytesMut};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::limits;

/// What handlers return when they fail.
pub(crate) type Result<T, E = AppError> = std::result::Result<T, E>;

/// The wait announced when nobody knows a better one.
const DEFAULT_RETRY_MS: u64 = 1_000;

/// A failure on its way to the client: code, text and details, and what only the log may see.
#[derive(Debug)]
pub(crate) struct AppError(Box<Failure>);

#[derive(Debug)]
struct Failure {
    code: ErrorCode,
    status: Option<StatusCode>,
    message: String,
    details: Option<Value>,
    retry_after_ms: Option<u64>,
    cause: Option<String>,
}

/// Put on 5xx responses so that the outer layer logs the cause once, with the request's id.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

impl AppError {
    /// An error with `code`'s status and without details.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Failure {
            code,
            status: None,
            message: message.into(),
            details: None,
            retry_after_ms: None,
            cause: None,
        }))
    }

    /// 500; `cause` goes to the log only.
    pub(crate) fn internal(cause: impl fmt::Display) -> Self {
        Self::new(ErrorCode::InternalError, "Something failed on our side").caused_by(cause)
    }

    /// 503 with a wait of one second; `cause` goes to the log only.
    pub(crate) fn unavailable(cause: impl fmt::Display) -> Self {
        Self::new(ErrorCode::ServiceUnavailable, "The service is not available right now").caused_by(cause)
    }

    /// 401, the same answer for every reason.
    pub(crate) fn unauthorized() -> Self {
        Self::new(ErrorCode::Unauthorized, "Missing or invalid API key")
    }

    /// 404 for an unknown route or a resource without a code of its own.
    pub(crate) fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "Not found")
    }

    /// 404 `AGENT_NOT_FOUND`, also for a malformed handle.
    pub(crate) fn agent_not_found() -> Self {
        Self::new(ErrorCode::AgentNotFound, "Agent not found")
    }

    /// 413 for a body over the route's cap of `limit` bytes.
    pub(crate) fn payload_too_large(limit: usize) -> Self {
        Self::new(ErrorCode::PayloadTooLarge, format!("The body is larger than {limit} bytes"))
            .with_details(json!({ "limit": limit }))
    }

    /// 400 about the body as a whole.
    pub(crate) fn form(message: &str) -> Self {
        let mut errors = FieldErrors::default();
        errors.form(message);
        errors.into()
    }

    /// Sets `details`.
    pub(crate) fn with_details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// Sets the wait that `Retry-After` and `details.retry_after_ms` announce.
    pub(crate) fn with_retry_after(mut self, millis: u64) -> Self {
        self.0.retry_after_ms = Some(millis);
        self
    }

    /// Answers with another status than the code's own (`OPS_AUTH_REQUIRED` has two).
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Remembers for the log why this happened.
    pub(crate) fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// `details.reason`, if there is one.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.0.details.as_ref()?.get("reason")?.as_str()
    }

    /// The wire code, for socket frames and metrics.
    pub(crate) fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The human text, for socket frames.
    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// `details` as the client sees them, the wait included.
    pub(crate) fn details(&self) -> Option<Value> {
        let Some(wait) = self.wait_ms() else {
            return self.0.details.clone();
        };
        let mut details = match self.0.details.clone() {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        details.insert("retry_after_ms".into(), wait.into());
        Some(Value::Object(details))
    }

    fn status(&self) -> StatusCode {
        self.0
            .status
            .unwrap_or_else(|| StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
    }

    fn wait_ms(&self) -> Option<u64> {
        let waits = matches!(self.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        self.0.retry_after_ms.or(waits.then_some(DEFAULT_RETRY_MS))
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Value>,
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let mut response = Response::new(axum::body::Body::from(self.to_json()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        if let Some(wait) = self.wait_ms() {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.div_ceil(1000).max(1)));
        }
        if let Some(cause) = self.0.cause {
            response.extensions_mut().insert(Cause(cause));
        }
        response
    }
}

impl AppError {
    /// The envelope.
    pub(crate) fn to_json(&self) -> bytes::Bytes {
        let envelope = Envelope { code: self.0.code.as_str(), message: &self.0.message, details: self.details() };
        let mut body = BytesMut::with_capacity(128).writer();
        match serde_json::to_writer(&mut body, &envelope) {
            Ok(()) => body.into_inner().freeze(),
            Err(_) => {
                bytes::Bytes::from_static(br#"{"code":"INTERNAL_ERROR","message":"Something failed on our side"}"#)
            }
        }
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.message)?;
        match &self.0.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl From<agentchat_core::Error> for AppError {
    fn from(error: agentchat_core::Error) -> Self {
        match error {
            agentchat_core::Error::Rejected(rejection) => rejection.into(),
            agentchat_core::Error::Store(error) => error.into(),
        }
    }
}

impl From<Rejection> for AppError {
    fn from(rejection: Rejection) -> Self {
        if rejection.code == ErrorCode::RateLimited {
            limits::refused();
        }
        let mut error = Self::new(rejection.code, rejection.message);
        error.0.details = rejection.details;
        error.0.retry_after_ms = rejection.retry_after_ms;
        error
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy | StoreError::Unavailable(_) => Self::unavailable(error),
            StoreError::Internal(_) => Self::internal(error),
        }
    }
}

impl From<FieldErrors> for AppError {
    fn from(errors: FieldErrors) -> Self {
        Self::new(ErrorCode::ValidationError, "Invalid request").with_details(errors.into_details())
    }
}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        refusal.rejection().into()
    }
}
