//! What an answer means: success, or which error, and whether another attempt makes sense.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::ErrorKind;
use crate::http::retry_after::parse_retry_after;
use crate::json;
use crate::types::RawJson;

/// An error answer, read by the rules of H16, H32 and H33.
pub(crate) struct Refusal {
    pub(crate) kind: ErrorKind,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) status: u16,
    pub(crate) details: Option<RawJson>,
    pub(crate) body: Option<RawJson>,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    /// By status and code alone; the request decides the rest.
    pub(crate) retryable: bool,
}

/// Reads an error answer.
pub(crate) fn refusal(status: u16, reason: Option<&str>, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Refusal {
    let parsed: Option<RawJson> = json::decode_bytes(body).ok();
    let members = parsed.as_ref().and_then(|body| body.parse::<Map<String, Value>>().ok());
    let envelope = members
        .as_ref()
        .and_then(|members| Envelope::of(members).or_else(|| Envelope::of(members.get("error")?.as_object()?)));
    let text = reason.filter(|reason| !reason.is_empty()).unwrap_or("Request failed");
    let envelope = envelope.unwrap_or_else(|| Envelope::by_status(status, text, parsed.as_ref(), headers));
    let details = envelope.details.as_ref();
    Refusal {
        kind: kind(&envelope.code, status),
        retryable: is_retryable(status, &envelope.code, details),
        retry_after: hint(headers, details, members.as_ref(), now),
        details: details.and_then(|details| RawJson::of(details).ok()),
        request_id: header(headers, "x-request-id").map(str::to_owned),
        body: parsed,
        code: envelope.code,
        message: envelope.message,
        status,
    }
}

struct Envelope {
    code: String,
    message: String,
    details: Option<Value>,
}

impl Envelope {
    fn of(members: &Map<String, Value>) -> Option<Self> {
        Some(Self {
            code: members.get("code")?.as_str()?.to_owned(),
            message: members.get("message")?.as_str()?.to_owned(),
            details: members.get("details").filter(|details| details.is_object()).cloned(),
        })
    }

    fn by_status(status: u16, text: &str, parsed: Option<&RawJson>, headers: &HeaderMap) -> Self {
        let location = header(headers, "location").filter(|_| (300..400).contains(&status));
        let details = match location {
            Some(location) => Some(serde_json::json!({"location": location})),
            None => parsed.and_then(|body| Some(serde_json::json!({"body": body.to_value().ok()?}))),
        };
        Self { code: code_by_status(status), message: text.to_owned(), details }
    }
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn code_by_status(status: u16) -> String {
    match status {
        400 => "VALIDATION_ERROR".into(),
        401 => "UNAUTHORIZED".into(),
        403 => "FORBIDDEN".into(),
        404 => "AGENT_NOT_FOUND".into(),
        409 => "CONFLICT".into(),
        410 => "GROUP_DELETED".into(),
        413 => "PAYLOAD_TOO_LARGE".into(),
        422 => "UNPROCESSABLE".into(),
        429 => "RATE_LIMITED".into(),
        300..400 => "UNEXPECTED_REDIRECT".into(),
        500.. => "INTERNAL_ERROR".into(),
        other => format!("HTTP_{other}"),
    }
}

fn kind(code: &str, status: u16) -> ErrorKind {
    match code {
        "RATE_LIMITED" => ErrorKind::RateLimited,
        "SUSPENDED" | "AGENT_SUSPENDED" => ErrorKind::Suspended,
        "RESTRICTED" | "AGENT_RESTRICTED" => ErrorKind::Restricted,
        "RECIPIENT_BACKLOGGED" => ErrorKind::RecipientBacklogged,
        "AWAITING_REPLY" => ErrorKind::AwaitingReply,
        "BLOCKED" => ErrorKind::Blocked,
        "VALIDATION_ERROR" => ErrorKind::Validation,
        "UNAUTHORIZED" | "INVALID_API_KEY" => ErrorKind::Unauthorized,
        "FORBIDDEN" | "AGENT_PAUSED_BY_OWNER" => ErrorKind::Forbidden,
        "INBOX_RESTRICTED" => ErrorKind::InboxRestricted,
        "AGENT_NOT_FOUND"
        | "CONVERSATION_NOT_FOUND"
        | "MESSAGE_NOT_FOUND"
        | "OWNER_NOT_FOUND"
        | "CLAIM_NOT_FOUND"
        | "GROUP_NOT_FOUND"
        | "ATTACHMENT_NOT_FOUND"
        | "INVITE_NOT_FOUND"
        | "NOT_FOUND" => ErrorKind::NotFound,
        "GROUP_DELETED" => ErrorKind::GroupDeleted,
        "SYSTEM_AGENT_PROTECTED" => ErrorKind::SystemAgentProtected,
        "EMAIL_LIMIT_REACHED" | "EMAIL_TAKEN" => ErrorKind::EmailLimitReached,
        "EMAIL_EXHAUSTED" => ErrorKind::EmailExhausted,
        "HANDLE_REQUIRED" => ErrorKind::HandleRequired,
        "INTERNAL_ERROR" => ErrorKind::Server,
        _ => kind_by_status(status),
    }
}

fn kind_by_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        429 => ErrorKind::RateLimited,
        500.. => ErrorKind::Server,
        _ => ErrorKind::Api,
    }
}

/// H13 by status, less the refusals of H15 that waiting does not lift.
fn is_retryable(status: u16, code: &str, details: Option<&Value>) -> bool {
    let final_code =
        matches!(code, "RECIPIENT_BACKLOGGED" | "AWAITING_REPLY" | "OTP_ATTEMPTS_EXHAUSTED" | "COLD_CAP_EXCEEDED");
    let cold_cap = code == "RATE_LIMITED"
        && details.and_then(|details| details.get("reason")?.as_str()) == Some("cold_outreach_cap");
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504) && !final_code && !cold_cap
}

/// How long the server asks to wait (H16). Zero is a wait of zero, not absence.
fn hint(
    headers: &HeaderMap,
    details: Option<&Value>,
    body: Option<&Map<String, Value>>,
    now: SystemTime,
) -> Option<Duration> {
    let millis = |value: Option<&Value>| value.and_then(Value::as_u64).map(Duration::from_millis);
    header(headers, "retry-after")
        .and_then(|raw| parse_retry_after(raw, now))
        .or_else(|| millis(details.and_then(|details| details.get("retry_after_ms"))))
        .or_else(|| millis(body.and_then(|body| body.get("retry_after_ms"))))
}

/// The text of a success that is not the JSON it should be, shortened.
pub(crate) fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(200).collect()
}

/// A success body: JSON whatever the content type says, `null` when there is none.
pub(crate) fn decode_body<T: for<'de> Deserialize<'de>>(status: u16, body: &[u8]) -> Result<T, serde_json::Error> {
    if status == 204 || body.is_empty() { serde_json::from_str("null") } else { json::decode_bytes(body) }
}
