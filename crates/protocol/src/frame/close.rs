//! Close codes and their reasons. Clients treat 4401 and 4403 as final; the service never sends 1008.

/// A code and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The RFC 6455 code.
    pub code: u16,
    /// At most 123 bytes.
    pub reason: std::borrow::Cow<'static, str>,
}

impl Close {
    /// A close with a fixed reason.
    pub const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason: std::borrow::Cow::Borrowed(reason) }
    }
}

/// The answer to a client's close.
pub const NORMAL: Close = Close::new(1000, "");
/// The node drains: reconnect.
pub const SHUTTING_DOWN: Close = Close::new(1001, "Server shutting down");
/// Nothing came within 20 s after a ping: reconnect.
pub const HEARTBEAT_TIMEOUT: Close = Close::new(1001, "Heartbeat timeout");
/// A client frame above 64 KiB.
pub const FRAME_TOO_LARGE: Close = Close::new(1009, "Frame too large");
/// A bug or a lost dependency: reconnect with back-off.
pub const INTERNAL_ERROR: Close = Close::new(1011, "Internal error");
/// 60 s without write progress; nothing is lost: reconnect, read faster.
pub const SLOW_CONSUMER: Close = Close::new(1013, "Slow consumer");
/// Too much to do just now; reconnect with back-off.
pub const OVERLOADED: Close = Close::new(1013, "Overloaded");
/// Unknown key or deleted account at HELLO. Final.
pub const INVALID_API_KEY: Close = Close::new(4401, "Invalid API key");
/// Suspended, before or while connected. Final.
pub const ACCOUNT_SUSPENDED: Close = Close::new(4403, "Account suspended");
/// Deleted while connected. Final.
pub const ACCOUNT_DELETED: Close = Close::new(4403, "Account deleted");
/// The key was replaced while connected. Final.
pub const API_KEY_ROTATED: Close = Close::new(4403, "API key rotated");
/// The owner signed out everywhere. Final.
pub const SIGNED_OUT: Close = Close::new(4403, "Signed out");
/// Late, missing or malformed HELLO.
pub const HELLO_REQUIRED: Close = Close::new(4408, "HELLO required");
/// The code of [`retry_after`].
pub const RETRY_AFTER_CODE: u16 = 4429;

/// Too many handshakes, or 50 connections already: come back after so many seconds, at least 1.
pub fn retry_after(seconds: u64) -> Close {
    Close { code: RETRY_AFTER_CODE, reason: format!("retry after {}s", seconds.max(1)).into() }
}

/// Whether a client must not come back with the same credentials.
pub const fn is_final(code: u16) -> bool {
    matches!(code, 1008 | 4401 | 4403)
}
