//! One error for everything, one pointer wide.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use crate::http::{TransportFailure, answer};
use crate::types::{DeletedGroup, Handle, RawJson, Timestamp};

/// Result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: an answer of the server, no usable answer, or a request that could not be made.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone, Default)]
struct Inner {
    kind: ErrorKind,
    message: String,
    code: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    details: Option<RawJson>,
    body: Option<RawJson>,
    retry_after: Option<Duration>,
    attempts: u32,
    retryable: bool,
    recipient: Option<String>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// Kinds of errors, for `match`.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ErrorKind {
    /// A value was refused; see [`Error::field_errors`].
    Validation,
    /// The key is missing, wrong or dead.
    Unauthorized,
    /// Not allowed, or paused by the owner.
    Forbidden,
    /// The own account is suspended.
    Suspended,
    /// The own account may not write to strangers.
    Restricted,
    /// One of both blocked the other.
    Blocked,
    /// The recipient takes messages of contacts only.
    InboxRestricted,
    /// The recipient has to answer first.
    AwaitingReply,
    /// There is no such thing, or the caller may not know.
    NotFound,
    /// The group was deleted; see [`Error::deleted_group`].
    GroupDeleted,
    /// Too many requests; see [`Error::retry_after`].
    RateLimited,
    /// The recipient's queue is full.
    RecipientBacklogged,
    /// System agents cannot be treated so.
    SystemAgentProtected,
    /// The e-mail backs as many agents as it may.
    EmailLimitReached,
    /// The e-mail's registrations are used up.
    EmailExhausted,
    /// The e-mail backs several agents; see [`Error::handles`].
    HandleRequired,
    /// The server failed.
    Server,
    /// Any other answer of the server; see [`Error::code`].
    #[default]
    Api,
    /// No answer in time.
    Timeout,
    /// No connection.
    Connect,
    /// The connection could not be secured.
    Tls,
    /// The connection broke.
    Reset,
    /// The other side does not speak HTTP or sent too much.
    Protocol,
    /// An answer of another shape than documented.
    Decode,
    /// A value that cannot be sent; nothing was.
    InvalidInput,
    /// The client is closed.
    Closed,
    /// Not possible with this build or configuration.
    Unsupported,
    /// The socket failed; a new one is opened.
    WebSocket,
    /// The realtime client was closed.
    Disposed,
    /// The realtime client stopped and does not try again by itself.
    Terminal,
}

impl Error {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), ..Inner::default() }))
    }

    /// A value that must not be sent (H4).
    pub(crate) fn invalid_input(field: &str, message: impl Into<String>) -> Self {
        let details = RawJson::of(&serde_json::json!({"source": "client", "field": field}));
        Self(Arc::new(Inner {
            kind: ErrorKind::InvalidInput,
            message: message.into(),
            code: Some("VALIDATION_ERROR".to_owned()),
            status: Some(400),
            details: details.ok(),
            ..Inner::default()
        }))
    }

    pub(crate) fn decode(message: impl Into<String>, cause: &serde_json::Error) -> Self {
        Self::new(ErrorKind::Decode, format!("{}: {cause}", message.into()))
    }

    /// As [`Error::decode`] for text that holds a secret: a cause may quote what it stumbled over, so only its place
    /// is kept.
    pub(crate) fn decode_secret(message: impl Into<String>, cause: &serde_json::Error) -> Self {
        let place = format!("{:?} error at line {} column {}", cause.classify(), cause.line(), cause.column());
        Self::new(ErrorKind::Decode, format!("{} ({place})", message.into()))
    }

    pub(crate) fn local(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, message)
    }

    /// A success that lacks a member nobody can do without.
    pub(crate) fn missing_member(name: &str) -> Self {
        let message = format!("AgentChat SDK: the answer has no {name}");
        Self(Arc::new(Inner { message, code: Some("INTERNAL_ERROR".to_owned()), ..Inner::default() }))
    }

    pub(crate) fn realtime(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::WebSocket, message)
    }

    pub(crate) fn from_transport(failure: TransportFailure) -> Self {
        let source = failure.source.map(Arc::from);
        let inner = Inner {
            kind: failure.class.kind(),
            message: failure.text,
            retryable: failure.class.is_retryable(),
            source,
            ..Inner::default()
        };
        Self(Arc::new(inner))
    }

    pub(crate) fn from_answer(answer: answer::Refusal) -> Self {
        let error = Self(Arc::new(Inner {
            kind: answer.kind,
            message: answer.message,
            code: Some(answer.code),
            status: Some(answer.status),
            request_id: answer.request_id,
            details: answer.details,
            body: answer.body,
            retry_after: answer.retry_after,
            attempts: 1,
            retryable: answer.retryable,
            ..Inner::default()
        }));
        error.with_recipient()
    }

    fn with_recipient(mut self) -> Self {
        let recipient = self.detail("recipient_handle");
        Arc::make_mut(&mut self.0).recipient = recipient;
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        Arc::make_mut(&mut self.0).attempts = attempts;
        self
    }

    pub(crate) fn with_answer(mut self, status: u16, request_id: Option<String>) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        (inner.status, inner.request_id) = (Some(status), request_id);
        self
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The server's code, verbatim.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The HTTP status.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Text for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The server's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The server's details.
    pub fn details(&self) -> Option<&RawJson> {
        self.0.details.as_ref()
    }

    /// The whole error body.
    pub fn body(&self) -> Option<&RawJson> {
        self.0.body.as_ref()
    }

    /// How long the server asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many attempts were made.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether the server answered with an error.
    pub fn is_api(&self) -> bool {
        self.0.status.is_some() && !matches!(self.kind(), ErrorKind::InvalidInput | ErrorKind::Decode)
    }

    /// Whether there was no usable answer.
    pub fn is_transport(&self) -> bool {
        use ErrorKind::{Connect, Protocol, Reset, Timeout, Tls};
        matches!(self.kind(), Timeout | Connect | Tls | Reset | Protocol)
    }

    /// Whether there was no answer in time.
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Whether another attempt would make sense.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Whom a refused send was for.
    pub fn recipient(&self) -> Option<&str> {
        self.0.recipient.as_deref()
    }

    /// How many messages wait in the recipient's full queue.
    pub fn undelivered_count(&self) -> Option<u64> {
        self.detail("undelivered_count")
    }

    /// Since when the recipient owes an answer.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        self.detail("waiting_since")
    }

    /// The deleted group.
    pub fn deleted_group(&self) -> Option<DeletedGroup> {
        self.details().filter(|_| self.kind() == ErrorKind::GroupDeleted)?.parse().ok()
    }

    /// The limit that was reached.
    pub fn limit(&self) -> Option<u64> {
        self.detail("limit")
    }

    /// The handles among which recovery has to choose.
    pub fn handles(&self) -> Vec<Handle> {
        let listed: Vec<serde_json::Value> = self.detail("handles").unwrap_or_default();
        listed.iter().filter_map(|handle| Handle::new(handle.as_str()?).ok()).collect()
    }

    /// Refused fields with their texts.
    pub fn field_errors(&self) -> Vec<(String, Vec<String>)> {
        let fields: serde_json::Map<String, serde_json::Value> = self.detail("fieldErrors").unwrap_or_default();
        fields.into_iter().filter_map(|(name, texts)| Some((name, serde_json::from_value(texts).ok()?))).collect()
    }

    fn detail<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        let members: serde_json::Map<String, serde_json::Value> = self.details()?.parse().ok()?;
        serde_json::from_value(members.get(name)?.clone()).ok()
    }
}

/// The error a response stands for, by the rules every call uses.
pub fn error_from_response(status: u16, headers: &HeaderMap, body: &[u8]) -> Error {
    Error::from_answer(answer::refusal(status, None, headers, body, std::time::SystemTime::now()))
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.0.message.replace(['\n', '\r'], " ");
        formatter.write_str(&line)?;
        let status = self.status().map(|status| status.to_string());
        let parts: Vec<&str> = [self.code(), status.as_deref(), self.request_id()].into_iter().flatten().collect();
        if parts.is_empty() { Ok(()) } else { write!(formatter, " ({})", parts.join(", ")) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {self}", self.kind())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
