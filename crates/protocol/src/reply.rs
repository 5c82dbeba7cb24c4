//! Who replies for an agent: leases of live sessions, claims of single messages.

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;
use crate::validate::{FieldErrors, Object, text};

/// Characters of a session or holder.
const NAME: usize = 128;
/// Characters of a message id; it need not be one of ours.
const MESSAGE: usize = 64;
/// Messages of a batch.
const BATCH: usize = 500;
const DEFAULT_TTL_S: i64 = 300;
const LONGEST_TTL_S: i64 = 3_600;

/// `GET /v1/reply/active`: whether somebody replies for the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplyActive {
    pub active: bool,
}

/// A lease was taken or extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplyLeased {
    pub ok: bool,
    pub active: bool,
    pub expires_at: Timestamp,
}

/// A lease was released; others may remain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplyReleased {
    pub ok: bool,
    pub active: bool,
}

/// The answer to a claim of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplyClaimed {
    /// The holder may reply.
    pub claimed: bool,
    /// A live session is asked to reply instead.
    pub deferred: bool,
}

/// The answer to a claim of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RepliesClaimed {
    /// How many of them, from the first, the holder may reply to.
    pub claimed_count: usize,
    /// A live session is asked to reply instead.
    pub deferred: bool,
}

/// A lease that a session (none: the agent as a whole) asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    pub session: Option<String>,
    pub ttl_s: i64,
}

impl LeaseRequest {
    /// Reads `{session_id?, ttl_seconds?}`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, FieldErrors> {
        let body = Object::parse_or_empty(body)?;
        let mut errors = FieldErrors::default();
        let session = optional(&body, "session_id", NAME, &mut errors);
        let ttl_s = body.opt_int("ttl_seconds", &mut errors).unwrap_or(DEFAULT_TTL_S);
        if !(1..=LONGEST_TTL_S).contains(&ttl_s) {
            errors.field("ttl_seconds", "Expected 1 to 3600");
        }
        errors.into_result().map(|()| Self { session, ttl_s })
    }

    /// Reads the `{session_id?}` of a release.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_release(body: &[u8]) -> Result<Option<String>, FieldErrors> {
        let body = Object::parse_or_empty(body)?;
        let mut errors = FieldErrors::default();
        let session = optional(&body, "session_id", NAME, &mut errors);
        errors.into_result().map(|()| session)
    }
}

/// A claim of messages, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// At least one.
    pub messages: Vec<String>,
    pub holder: String,
    pub defer_if_active: bool,
}

impl ClaimRequest {
    /// Reads `{message_id, holder, defer_if_active?}`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_one(body: &[u8]) -> Result<Self, FieldErrors> {
        Self::read(body, |body, errors| {
            let id = body.req_str("message_id", errors).map(str::to_owned)?;
            bounded(body, "message_id", &id, MESSAGE, errors).map(|id| vec![id])
        })
    }

    /// Reads `{message_ids, holder, defer_if_active?}`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_batch(body: &[u8]) -> Result<Self, FieldErrors> {
        Self::read(body, |body, errors| {
            let ids = body.req_strs("message_ids", errors)?;
            if !(1..=BATCH).contains(&ids.len()) {
                body.reject("message_ids", "Expected 1 to 500 ids", errors);
                return None;
            }
            ids.iter().map(|id| bounded(body, "message_ids", id, MESSAGE, errors)).collect()
        })
    }

    fn read(
        body: &[u8],
        messages: impl FnOnce(&Object, &mut FieldErrors) -> Option<Vec<String>>,
    ) -> Result<Self, FieldErrors> {
        let body = Object::parse(body)?;
        let mut errors = FieldErrors::default();
        let messages = messages(&body, &mut errors).unwrap_or_default();
        let holder = body.req_str("holder", &mut errors).map(str::to_owned);
        let holder = holder.and_then(|holder| bounded(&body, "holder", &holder, NAME, &mut errors)).unwrap_or_default();
        let defer_if_active = body.opt_bool("defer_if_active", &mut errors).unwrap_or(false);
        errors.into_result().map(|()| Self { messages, holder, defer_if_active })
    }
}

fn optional(body: &Object, name: &str, most: usize, errors: &mut FieldErrors) -> Option<String> {
    let given = body.opt_str(name, errors).map(str::to_owned)?;
    bounded(body, name, &given, most, errors)
}

fn bounded(body: &Object, name: &str, given: &str, most: usize, errors: &mut FieldErrors) -> Option<String> {
    match text::of_length(given, 1, most) {
        Ok(text) => Some(text),
        Err(problem) => {
            body.reject(name, problem, errors);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints<T: std::fmt::Debug>(parsed: Result<T, FieldErrors>) -> Vec<String> {
        parsed.unwrap_err().fields.into_keys().collect()
    }

    #[test]
    fn a_lease_needs_nothing() {
        let bare = LeaseRequest { session: None, ttl_s: 300 };
        assert_eq!(LeaseRequest::parse(b"").unwrap(), bare);
        assert_eq!(LeaseRequest::parse(br#"{"session_id":null,"ttl_seconds":null}"#).unwrap(), bare);
        let named = LeaseRequest::parse(br#"{"session_id":"desk","ttl_seconds":3600}"#).unwrap();
        assert_eq!(named, LeaseRequest { session: Some("desk".into()), ttl_s: 3_600 });
        for ttl in ["0", "3601", "1.5", "\"1\""] {
            let body = format!(r#"{{"ttl_seconds":{ttl},"session_id":""}}"#);
            assert_eq!(complaints(LeaseRequest::parse(body.as_bytes())), ["session_id", "ttl_seconds"], "{ttl}");
        }
    }

    #[test]
    fn a_claim_names_messages_and_who_holds_them() {
        let claim = ClaimRequest::parse_one(br#"{"message_id":"msg_1","holder":"daemon"}"#).unwrap();
        let expected = ClaimRequest { messages: vec!["msg_1".into()], holder: "daemon".into(), defer_if_active: false };
        assert_eq!(claim, expected);
        assert_eq!(complaints(ClaimRequest::parse_one(b"{}")), ["holder", "message_id"]);
        let batch = ClaimRequest::parse_batch(br#"{"message_ids":["a","b"],"holder":"h","defer_if_active":true}"#);
        assert_eq!(batch.unwrap().messages, ["a", "b"]);
        for wrong in [r#"[]"#, r#"[""]"#, r#"["a",1]"#, r#""a""#] {
            let body = format!(r#"{{"message_ids":{wrong},"holder":"h"}}"#);
            assert_eq!(complaints(ClaimRequest::parse_batch(body.as_bytes())), ["message_ids"], "{wrong}");
        }
        let many = format!(r#"{{"holder":"h","message_ids":["{}"]}}"#, vec!["a"; 501].join("\",\""));
        assert_eq!(complaints(ClaimRequest::parse_batch(many.as_bytes())), ["message_ids"]);
    }
}
