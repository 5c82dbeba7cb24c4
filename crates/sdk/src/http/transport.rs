//! The seam below the request machine: one attempt, no decisions.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::error::ErrorKind;

/// A future that owns its state and can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The bytes of a request.
pub type RequestBody = Bytes;

/// Executes one attempt of a request: no retries, no redirects, no cookies, no decoding of the body. Dropping the
/// future aborts the attempt and its connection.
pub trait HttpTransport: Send + Sync + 'static {
    /// Sends the request and reads the whole answer.
    fn send<'a>(
        &'a self,
        request: http::Request<RequestBody>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<RawResponse, TransportFailure>>;
}

/// Time and size limits of one attempt; none means unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Name lookup, connection and TLS together, waiting for a free connection included.
    pub connect: Option<Duration>,
    /// Longest pause while the body is written.
    pub write_idle: Option<Duration>,
    /// From the last byte written to the last byte of the answer.
    pub response: Option<Duration>,
    /// Largest answer in bytes.
    pub max_body: usize,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct RawResponse {
    /// HTTP status.
    pub status: u16,
    /// Reason phrase, if it is not the usual one.
    pub reason: Option<String>,
    /// Headers.
    pub headers: HeaderMap,
    /// Whole body.
    pub body: Bytes,
}

/// An attempt without an answer.
pub struct TransportFailure {
    /// What failed.
    pub class: FailureClass,
    /// One line for people.
    pub text: String,
    /// The error below.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Debug for TransportFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.class, self.text)
    }
}

/// What failed in an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// No connection.
    Connect,
    /// The TLS handshake broke off.
    Tls,
    /// The other side's certificate was refused.
    TlsRejected,
    /// A time limit.
    Timeout,
    /// The connection broke.
    Reset,
    /// The other side broke the protocol.
    Protocol,
    /// The answer ended early.
    Truncated,
    /// The answer was larger than allowed.
    TooLarge,
    /// The request could not be made; nothing was sent.
    Local,
}

impl FailureClass {
    pub(crate) fn is_retryable(self) -> bool {
        !matches!(self, Self::TlsRejected | Self::TooLarge | Self::Local)
    }

    pub(crate) fn kind(self) -> ErrorKind {
        match self {
            Self::Connect => ErrorKind::Connect,
            Self::Tls | Self::TlsRejected => ErrorKind::Tls,
            Self::Timeout => ErrorKind::Timeout,
            Self::Reset | Self::Truncated => ErrorKind::Reset,
            Self::Protocol | Self::TooLarge => ErrorKind::Protocol,
            Self::Local => ErrorKind::InvalidInput,
        }
    }
}
