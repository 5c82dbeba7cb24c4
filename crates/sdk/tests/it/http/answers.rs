//! What an answer means (D-35, D-36, D-39, H30 – H34).

use agentchat::{Error, ErrorKind, SendMessage, error_from_response};
use http::HeaderMap;

use super::scripted::{MESSAGE, Script, answer, ok};

fn error(status: u16, body: &str) -> Error {
    error_from_response(status, &HeaderMap::new(), body.as_bytes())
}

#[test]
fn d35_a_b_an_answer_without_a_body_is_told_by_its_status() {
    for (status, kind, code) in [
        (409, ErrorKind::Api, "CONFLICT"),
        (413, ErrorKind::Api, "PAYLOAD_TOO_LARGE"),
        (415, ErrorKind::Api, "HTTP_415"),
        (418, ErrorKind::Api, "HTTP_418"),
        (422, ErrorKind::Api, "UNPROCESSABLE"),
        (302, ErrorKind::Api, "UNEXPECTED_REDIRECT"),
        (304, ErrorKind::Api, "UNEXPECTED_REDIRECT"),
        (400, ErrorKind::Validation, "VALIDATION_ERROR"),
        (401, ErrorKind::Unauthorized, "UNAUTHORIZED"),
        (403, ErrorKind::Forbidden, "FORBIDDEN"),
        (404, ErrorKind::NotFound, "AGENT_NOT_FOUND"),
        (410, ErrorKind::GroupDeleted, "GROUP_DELETED"),
        (429, ErrorKind::RateLimited, "RATE_LIMITED"),
        (500, ErrorKind::Server, "INTERNAL_ERROR"),
    ] {
        let error = error(status, "");
        assert_eq!((error.kind(), error.code(), error.status()), (kind, Some(code), Some(status)));
        assert!(error.details().is_none() && error.is_api());
    }
}

#[test]
fn d35_c_a_body_of_another_shape_is_kept() {
    assert!(error(404, "<html>").details().is_none());
    assert_eq!(error(404, r#"{"error": "x"}"#).details().unwrap().as_str(), r#"{"body":{"error":"x"}}"#);
    let nested = error(403, r#"{"error": {"code": "BLOCKED", "message": "m"}}"#);
    assert_eq!((nested.kind(), nested.message()), (ErrorKind::Blocked, "m"));
}

#[test]
fn h33_codes_come_before_statuses() {
    for (code, kind) in [
        ("SUSPENDED", ErrorKind::Suspended),
        ("RESTRICTED", ErrorKind::Restricted),
        ("INBOX_RESTRICTED", ErrorKind::InboxRestricted),
        ("CONVERSATION_NOT_FOUND", ErrorKind::NotFound),
        ("HANDLE_REQUIRED", ErrorKind::HandleRequired),
        ("INVALID_API_KEY", ErrorKind::Unauthorized),
        ("SOMETHING_NEW", ErrorKind::Forbidden),
    ] {
        assert_eq!(error(403, &format!(r#"{{"code":"{code}","message":"m"}}"#)).kind(), kind, "{code}");
    }
    assert_eq!(error(418, r#"{"code":"SOMETHING_NEW","message":"m"}"#).kind(), ErrorKind::Api);
}

#[test]
fn h34_details_are_typed() {
    let awaiting = error(
        403,
        r#"{"code":"AWAITING_REPLY","message":"m","details":{"recipient_handle":"bob","waiting_since":"2026-01-15T09:30:00.000Z"}}"#,
    );
    assert_eq!(awaiting.recipient(), Some("bob"));
    assert_eq!(awaiting.waiting_since().unwrap().as_str(), "2026-01-15T09:30:00.000Z");
    let handles =
        error(409, r#"{"code":"HANDLE_REQUIRED","message":"m","details":{"handles":["a-b",5,"c-d"]}}"#).handles();
    assert_eq!(handles.iter().map(|handle| handle.as_str()).collect::<Vec<_>>(), ["a-b", "c-d"]);
    assert_eq!(error(409, r#"{"code":"GROUP_FULL","message":"m","details":{"limit":true}}"#).limit(), None);
    let invalid =
        r#"{"code":"VALIDATION_ERROR","message":"m","details":{"formErrors":[],"fieldErrors":{"email":["Required"]}}}"#;
    assert_eq!(error(400, invalid).field_errors(), [("email".to_owned(), vec!["Required".to_owned()])]);
}

#[test]
fn an_error_is_one_line_with_its_code_status_and_request() {
    let headers: HeaderMap = [("x-request-id".parse().unwrap(), "req-1".parse().unwrap())].into_iter().collect();
    let error = error_from_response(403, &headers, b"{\"code\":\"BLOCKED\",\"message\":\"not\\nhere\"}");
    assert_eq!(error.to_string(), "not here (BLOCKED, 403, req-1)");
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

#[tokio::test]
async fn d36_a_redirects_are_not_followed() {
    for status in [302, 303, 307, 308] {
        let script = Script::new([answer(status, &[("location", "http://other/")], "")]);
        let error = script.client().send_message(SendMessage::to("bob").text("x")).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Api, Some("UNEXPECTED_REDIRECT")));
        assert_eq!(error.details().unwrap().as_str(), r#"{"location":"http://other/"}"#);
        assert_eq!(script.count(), 1);
    }
}

#[tokio::test]
async fn h30_what_is_not_json_is_a_decode_error() {
    let script = Script::new([answer(200, &[("x-request-id", "req-1")], "<html>Bearer ac_live_SECRET")]);
    let error = script.client().get_me().await.unwrap_err();
    assert_eq!((error.kind(), error.status(), error.request_id()), (ErrorKind::Decode, Some(200), Some("req-1")));
    assert!(error.message().starts_with("AgentChat SDK: expected JSON response but got: <html>Bearer ***"), "{error}");
}

#[tokio::test]
async fn d40_i_a_new_account_without_a_key_is_an_error_that_shows_nothing() {
    let script = Script::new([ok(r#"{"agent":null,"secret":"ac_live_X"}"#), ok("ac_live_X")]);
    let accounts = agentchat::Accounts::new().base_url("http://h").transport(script.clone());
    for _ in 0..2 {
        let error = accounts.verify("pnd_1", "123456").await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("ac_live_X"), "{error}");
    }
}

#[tokio::test]
async fn h10_a_backlog_warning_is_passed_on_and_its_callback_cannot_hide_the_message() {
    let headers = [("x-backlog-warning", "bob=5001"), ("idempotent-replay", "true")];
    let script = Script::new([answer(200, &headers, MESSAGE)]);
    let client = script.builder().on_backlog(|_| panic!("in a callback")).build().unwrap();
    let sent = client.send_message(SendMessage::to("bob").text("x")).await.unwrap();
    let warning = sent.backlog.unwrap();
    assert_eq!((warning.recipient_handle.as_str(), warning.undelivered_count), ("bob", 5001));
    assert!(sent.replayed);
}

#[tokio::test]
async fn d08_b_a_row_nested_without_end_is_returned() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let row = MESSAGE.replace(r#"{"text":"hi"}"#, &format!(r#"{{"data":{deep}}}"#));
    let script = Script::new([ok(&format!("[{MESSAGE},{row}]"))]);
    let messages = script.client().get_messages("conv_1").await.unwrap();
    assert_eq!(messages[1].content.data.as_ref().unwrap().as_str().len(), 200_000);
}

#[tokio::test]
async fn sync_that_is_no_array_is_empty() {
    let script = Script::new([ok("{}"), ok(r#"{"count": 7}"#)]);
    let client = script.client();
    assert_eq!(client.sync().await.unwrap(), []);
    assert_eq!(client.undelivered_count().await.unwrap(), 7);
}

#[tokio::test]
async fn a_raw_call_gives_the_answer_as_it_is() {
    let script = Script::new([answer(200, &[("x-one", "1")], r#"{"a":1.50}"#), answer(204, &[], "")]);
    let client = script.client();
    let response = client.raw(http::Method::POST, "/v1/x").json(&[1]).query("q", "a b").await.unwrap();
    assert_eq!((response.data.as_str(), &response.headers["x-one"]), (r#"{"a":1.50}"#, &"1".parse().unwrap()));
    assert_eq!(script.requests()[0].uri(), "http://h/v1/x?q=a+b");
    assert_eq!(client.raw(http::Method::DELETE, "/v1/x").await.unwrap().data.as_str(), "null");
}
