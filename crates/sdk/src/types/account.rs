//! Answers of registration, recovery, rotation, and the small acknowledgements.

use std::fmt;

use crate::secret::ApiKey;
use crate::types::{Agent, Handle, PendingId};

wire_struct! {
    /// A one-time code is on its way by mail.
    pub struct PendingOtp {
        /// To be given back with the code.
        required pending_id: PendingId,
        /// Text for people.
        optional message: Option<String>,
    }
}

wire_struct! {
    /// The server did what was asked. Other members of its answer are in `extra`.
    pub struct Ack {
        /// True when the server said so; older servers answer without a body.
        optional ok: bool,
        /// Text for people.
        optional message: Option<String>,
    }
}

wire_struct! {
    /// How many deliveries an acknowledgement settled.
    pub struct Acked {
        /// Deliveries that were still open at or before the cursor.
        optional acked: u64,
    }
}

/// A new account and its key, which is shown this once.
#[non_exhaustive]
pub struct Registered {
    /// The account.
    pub agent: Agent,
    /// Its key.
    pub api_key: ApiKey,
}

/// A recovered account and its new key, which is shown this once. The old key is dead.
#[non_exhaustive]
pub struct Recovered {
    /// The account's handle.
    pub handle: Handle,
    /// Its new key.
    pub api_key: ApiKey,
}

/// A rotated key, shown this once. The old key is dead and every socket is closed.
#[non_exhaustive]
pub struct RotatedKey {
    /// The account's handle.
    pub handle: Handle,
    /// Its new key.
    pub api_key: ApiKey,
}

impl fmt::Debug for Registered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Registered").field("agent", &self.agent).field("api_key", &self.api_key).finish()
    }
}

impl fmt::Debug for Recovered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Recovered").field("handle", &self.handle).field("api_key", &self.api_key).finish()
    }
}

impl fmt::Debug for RotatedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RotatedKey").field("handle", &self.handle).field("api_key", &self.api_key).finish()
    }
}

/// The recipient has many undelivered messages; at 10,000 the server refuses more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BacklogWarning {
    /// Who does not read.
    pub recipient_handle: String,
    /// Undelivered messages before this one.
    pub undelivered_count: u64,
}

impl BacklogWarning {
    /// Reads the header `X-Backlog-Warning: <handle>=<count>`; anything else is no warning.
    pub(crate) fn from_header(value: &str) -> Option<Self> {
        let (handle, count) = value.split_once('=')?;
        let (handle, count) = (handle.trim(), count.trim());
        let plain = (1..=18).contains(&count.len()) && count.bytes().all(|byte| byte.is_ascii_digit());
        if handle.is_empty() || !plain {
            return None;
        }
        Some(Self { recipient_handle: handle.to_owned(), undelivered_count: count.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backlog_header_is_read_exactly() {
        let warning = BacklogWarning::from_header(" bob = 5123 ");
        assert_eq!(warning.map(|found| (found.recipient_handle, found.undelivered_count)), Some(("bob".into(), 5123)));
        for bad in ["", "bob", "=5", "bob=", "bob=-1", "bob=1.5", "bob=1234567890123456789", "bob=+5"] {
            assert_eq!(BacklogWarning::from_header(bad), None, "{bad}");
        }
    }
}
