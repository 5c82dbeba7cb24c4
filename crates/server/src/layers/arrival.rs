//! What is known of a request before any handler runs.

use std::fmt::Write as _;
use std::net::SocketAddr;

use http::header::HeaderValue;
use http::{HeaderName, Request};

use crate::entropy::Entropy;

/// Name of the request id header, both ways.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Put on every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// The other end of the connection.
    pub(crate) peer: SocketAddr,
}

/// The id of a request: the client's own, or a fresh one.
#[derive(Debug, Clone)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// Keeps an incoming id of 1–128 printable ASCII characters.
    pub(super) fn of<B>(request: &Request<B>, entropy: &Entropy) -> Self {
        let kept = request.headers().get(X_REQUEST_ID).filter(|value| is_acceptable(value.as_bytes()));
        kept.map_or_else(|| Self::fresh(entropy), |value| Self(value.clone()))
    }

    /// An id that no client chose.
    pub(super) fn fresh(entropy: &Entropy) -> Self {
        let bytes: [u8; 16] = entropy.bytes();
        let mut text = String::with_capacity(32);
        let _infallible = write!(text, "{:032x}", u128::from_be_bytes(bytes));
        Self(HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("0")))
    }

    /// The id as text.
    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("")
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn is_acceptable(id: &[u8]) -> bool {
    (1..=128).contains(&id.len()) && id.iter().all(|byte| (0x20..0x7f).contains(byte))
}
