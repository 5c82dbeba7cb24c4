//! What holds for every answer, whoever asked for what: wire.md §1.3, §1.4, N10, N12, N13, N16, and the `details` that
//! errors.md promises.

use std::collections::BTreeSet;

use agentchat_protocol::error::ErrorCode;
use serde_json::Value;

use super::ladder::REDIRECT;
use crate::client::Answer;

/// The members of `details` by code, as errors.md lists them; none where it says `–`. The wait of every 429 and 503 is
/// not listed.
fn promised(code: ErrorCode) -> &'static [&'static str] {
    match code {
        ErrorCode::ValidationError => &["formErrors", "fieldErrors"],
        ErrorCode::InvalidHandle | ErrorCode::Suspended => &["reason"],
        ErrorCode::AttachmentMismatch => &["field"],
        ErrorCode::LimitReached
        | ErrorCode::EmailLimitReached
        | ErrorCode::EmailExhausted
        | ErrorCode::GroupFull
        | ErrorCode::PayloadTooLarge => &["limit"],
        ErrorCode::ImageTooSmall => &["min"],
        ErrorCode::AgentPausedByOwner => &["mode"],
        ErrorCode::InboxRestricted => &["handle"],
        ErrorCode::AwaitingReply => &["recipient_handle", "waiting_since"],
        ErrorCode::MethodNotAllowed => &["allow"],
        ErrorCode::HandleRequired => &["handles"],
        ErrorCode::AlreadyReplayed => &["replayed_as"],
        ErrorCode::IdempotentInProgress => &["retry_after_ms"],
        ErrorCode::GroupDeleted => &["group_id", "deleted_by_handle", "deleted_at"],
        ErrorCode::ContentTooLarge => &["limit", "size"],
        ErrorCode::RateLimited => &["reason", "limit", "window_s"],
        ErrorCode::RecipientBacklogged => &["recipient_handle", "undelivered_count"],
        _ => &[],
    }
}

/// What every answer is but a few that have another kind.
pub(super) const JSON: &str = "application/json; charset=utf-8";

/// Checks what holds for every answer; a success is of this kind.
pub(super) fn check(what: &str, answer: &Answer, kind: &str) {
    let leads_elsewhere = kind == REDIRECT && answer.status == 302;
    let is_ordinary = answer.status != 204 && !(300..400).contains(&answer.status);
    assert!(is_ordinary || leads_elsewhere, "N13: {what}: {answer:?}");
    assert!(answer.header("x-request-id").is_some(), "N16: {what}: {answer:?}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "§1.1: {what}: {answer:?}");
    let kind = if answer.status < 400 { kind } else { JSON };
    if leads_elsewhere {
        assert_eq!(answer.body, "", "§15: {what}");
        assert!(answer.header("location").is_some_and(|url| url.contains("://")), "§15: {what}: {answer:?}");
    } else {
        assert_eq!(answer.header("content-type"), Some(kind), "§1.1: {what}: {answer:?}");
    }
    // Pictures and pages say for themselves how long they may be kept.
    if !["image/", "text/html", "text/css", "text/javascript"].iter().any(|page| kind.starts_with(page)) {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "§1.1: {what}: {answer:?}");
    }
    if answer.status < 400 {
        assert_eq!(answer.header("retry-after"), None, "§1.4: {what}: {answer:?}");
    } else {
        check_refusal(what, answer);
    }
}

/// N10: no internal id of an agent but the caller's own.
pub(super) fn check_ids<'a>(what: &str, answer: &Answer, mut foreign: impl Iterator<Item = &'a str>) {
    let shown = foreign.find(|id| answer.body.contains(id));
    assert_eq!(shown, None, "N10: {what} shows somebody's internal id: {answer:?}");
}

/// The flat envelope, its status, its details, its wait.
fn check_refusal(what: &str, answer: &Answer) {
    let code = answer.error_code();
    let known = ErrorCode::from_str(&code).unwrap_or_else(|| panic!("{what}: {code} is no code of errors.md"));
    let no_token = known == ErrorCode::OpsAuthRequired && answer.status == 503;
    // A range outside a file: clients that resume downloads know it by the status of RFC 9110.
    let no_range = known == ErrorCode::ValidationError && answer.status == 416;
    assert!(answer.status == known.status() || no_token || no_range, "errors.md: {what}: {answer:?}");
    let waits = matches!(answer.status, 429 | 503);
    let mut members: BTreeSet<&str> = promised(known).iter().copied().collect();
    members.extend(waits.then_some("retry_after_ms"));
    let json = answer.json();
    let details = json.get("details");
    let given: BTreeSet<&str> =
        details.and_then(Value::as_object).into_iter().flat_map(|map| map.keys()).map(String::as_str).collect();
    assert_eq!(given, members, "errors.md: details of {code}: {what}: {answer:?}");
    assert_eq!(details.is_none(), members.is_empty(), "errors.md: {code} has no details: {what}: {answer:?}");
    let wait = details.and_then(|details| details["retry_after_ms"].as_u64());
    assert!(wait.is_none_or(|wait| wait > 0), "§1.4: {what}: {answer:?}");
    let header = wait.map(|wait| wait.div_ceil(1_000).to_string());
    assert_eq!(answer.header("retry-after"), header.as_deref(), "§1.4: {what}: {answer:?}");
}

/// N9: two answers that nobody may tell apart, but for their request id.
pub(super) fn same(what: &str, one: &Answer, other: &Answer) {
    let shown = |answer: &Answer| {
        let varying = ["x-request-id", "date"];
        let headers = answer.headers.iter().filter(|(name, _)| !varying.contains(&name.as_str()));
        (answer.status, headers.cloned().collect::<Vec<_>>(), answer.body.clone())
    };
    assert_eq!(shown(one), shown(other), "N9: {what}");
}
