//! What is repeated, how often, and after which wait (D-33, H11 – H18).

use std::time::Duration;

use agentchat::http::{FailureClass, TransportFailure};
use agentchat::{Client, Error, ErrorKind, Method, Retry, RetryPolicy, SendMessage};
use tokio::time::Instant;

use super::scripted::{MESSAGE, Script, answer, ok};

fn failure(class: FailureClass) -> Result<agentchat::http::RawResponse, TransportFailure> {
    Err(TransportFailure { class, text: "it broke".to_owned(), source: None })
}

async fn send(client: &Client) -> (Result<agentchat::Sent, Error>, Duration) {
    let before = Instant::now();
    let result = client.send_message(SendMessage::to("bob").text("hi")).await;
    (result, before.elapsed())
}

fn millis(range: std::ops::RangeInclusive<u64>, waited: Duration) {
    let waited = waited.as_millis() as u64;
    // The paused clock counts in whole milliseconds and rounds up.
    assert!((*range.start()..=range.end() + 1).contains(&waited), "waited {waited} ms, not {range:?}");
}

#[tokio::test(start_paused = true)]
async fn d33_a_b_i_refusals_that_waiting_does_not_lift_are_final() {
    for (status, body) in [
        (
            429,
            r#"{"code":"RECIPIENT_BACKLOGGED","message":"m","details":{"recipient_handle":"bob","undelivered_count":10000}}"#,
        ),
        (403, r#"{"code":"AWAITING_REPLY","message":"m","details":{"recipient_handle":"bob"}}"#),
        (429, r#"{"code":"AWAITING_REPLY","message":"m","details":{"recipient_handle":"bob"}}"#),
        (429, r#"{"code":"RATE_LIMITED","message":"m","details":{"reason":"cold_outreach_cap"}}"#),
    ] {
        let script = Script::new([answer(status, &[], body)]);
        let (result, waited) = send(&script.client()).await;
        let error = result.unwrap_err();
        assert!(!error.is_retryable(), "{error}");
        assert_eq!((script.count(), waited), (1, Duration::ZERO), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn d33_c_a_longer_wait_than_allowed_fails_at_once() {
    let script = Script::new([answer(429, &[("retry-after", "60")], r#"{"code":"RATE_LIMITED","message":"m"}"#)]);
    let (result, waited) = send(&script.client()).await;
    assert_eq!(result.unwrap_err().retry_after(), Some(Duration::from_secs(60)));
    assert_eq!((script.count(), waited), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn d33_d_a_wait_is_honoured_and_never_shortened() {
    let script = Script::new([answer(429, &[("retry-after", "1")], ""), ok(MESSAGE)]);
    let (result, waited) = send(&script.client()).await;
    result.unwrap();
    millis(1000..=1250, waited);
}

#[tokio::test(start_paused = true)]
async fn d33_e_a_wait_may_stand_in_the_body() {
    let body = r#"{"code":"RATE_LIMITED","message":"m","retry_after_ms":777}"#;
    let script = Script::new([answer(429, &[], body), ok(MESSAGE)]);
    let (result, waited) = send(&script.client()).await;
    result.unwrap();
    millis(777..=972, waited);
    let script = Script::new((0..4).map(|_| answer(429, &[], body)));
    let error = send(&script.client()).await.0.unwrap_err();
    assert_eq!((error.retry_after(), error.attempts()), (Some(Duration::from_millis(777)), 4));
}

#[tokio::test(start_paused = true)]
async fn d33_f_a_wait_of_zero_is_a_wait() {
    let script = Script::new([answer(429, &[("retry-after", "0")], ""), ok(MESSAGE)]);
    let (result, waited) = send(&script.client()).await;
    result.unwrap();
    assert_eq!(waited, Duration::ZERO);
    let script = Script::new([answer(429, &[("retry-after", "0")], "")]);
    let client = script.builder().retry(RetryPolicy::NONE).build().unwrap();
    assert_eq!(send(&client).await.0.unwrap_err().retry_after(), Some(Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn d33_g_a_running_request_is_asked_again_only_with_a_key() {
    let running = || answer(409, &[("retry-after", "1")], r#"{"code":"IDEMPOTENT_IN_PROGRESS","message":"m"}"#);
    let script = Script::new([running(), ok("{}")]);
    script.client().mark_as_read("msg_1").idempotency_key("key").await.unwrap_err();
    assert_eq!(script.count(), 2);
    let script = Script::new([running()]);
    script.client().mark_as_read("msg_1").await.unwrap_err();
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn d33_h_a_patient_policy_waits_longer() {
    let script = Script::new([answer(429, &[("retry-after", "60")], ""), ok(MESSAGE)]);
    let client = script.builder().retry(RetryPolicy::new().max_delay(Duration::from_secs(120))).build().unwrap();
    let (result, waited) = send(&client).await;
    result.unwrap();
    millis(60_000..=61_000, waited);
}

#[tokio::test(start_paused = true)]
async fn repetitions_are_the_same_message() {
    let script = Script::new([failure(FailureClass::Reset), answer(503, &[], ""), ok(MESSAGE)]);
    send(&script.client()).await.0.unwrap();
    let bodies: Vec<_> = script.requests().into_iter().map(|request| request.into_body()).collect();
    assert!(bodies.len() == 3 && bodies.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test(start_paused = true)]
async fn h11_only_safe_methods_are_repeated_by_themselves() {
    for (method, attempts) in
        [(Method::GET, 4), (Method::PUT, 4), (Method::DELETE, 4), (Method::POST, 1), (Method::PATCH, 1)]
    {
        let script = Script::new((0..4).map(|_| answer(503, &[], "")));
        let error = script.client().raw(method.clone(), "/v1/x").await.unwrap_err();
        assert_eq!((script.count(), error.attempts()), (attempts, attempts as u32), "{method}");
    }
    let script = Script::new((0..4).map(|_| answer(503, &[], "")));
    script.client().get_me().retry(Retry::Never).await.unwrap_err();
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn h13_statuses_and_failures_that_may_pass_are_repeated() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let script = Script::new([answer(status, &[], ""), ok(MESSAGE)]);
        send(&script.client()).await.0.unwrap();
    }
    for status in [400, 401, 404, 409, 422, 501, 505, 302, 304] {
        let script = Script::new([answer(status, &[], "")]);
        send(&script.client()).await.0.unwrap_err();
        assert_eq!(script.count(), 1, "{status}");
    }
    use FailureClass::{Connect, Local, Protocol, Reset, Timeout, Tls, TlsRejected, TooLarge, Truncated};
    for class in [Connect, Tls, Timeout, Reset, Protocol, Truncated] {
        let script = Script::new([failure(class), ok(MESSAGE)]);
        send(&script.client()).await.0.unwrap();
    }
    for class in [Local, TlsRejected, TooLarge] {
        let script = Script::new([failure(class)]);
        let (result, waited) = send(&script.client()).await;
        assert!(!result.unwrap_err().is_retryable());
        assert_eq!((script.count(), waited), (1, Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn h17_the_back_off_doubles_within_its_bounds() {
    let script = Script::new((0..4).map(|_| answer(503, &[], "")));
    let (_, waited) = send(&script.client()).await;
    millis(1312..=2190, waited);
    let script = Script::new((0..3).map(|_| failure(FailureClass::Connect)));
    let policy =
        RetryPolicy::new().max_retries(2).base_delay(Duration::from_secs(60)).max_delay(Duration::from_secs(1));
    let (_, waited) = send(&script.builder().retry(policy).build().unwrap()).await;
    millis(1500..=2000, waited);
}

#[tokio::test(start_paused = true)]
async fn h18_a_deadline_ends_the_attempts() {
    let script = Script::new((0..4).map(|_| answer(503, &[("retry-after", "1")], "")));
    let before = Instant::now();
    let error = script.client().get_me().deadline(Duration::from_millis(2600)).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Server, 3));
    assert!(before.elapsed() < Duration::from_millis(2600));
}

#[tokio::test(start_paused = true)]
async fn d18_e_texts_of_lower_layers_are_scrubbed() {
    let text = "sent Bearer ac_live_SECRET to http://u:p@h".to_owned();
    let script = Script::new([Err(TransportFailure { class: FailureClass::Local, text, source: None })]);
    let error = script.client().get_me().await.unwrap_err();
    assert_eq!(error.message(), "sent Bearer *** to http://***@h");
}

#[tokio::test(start_paused = true)]
async fn d40_g_registration_is_never_repeated() {
    let script = Script::new([failure(FailureClass::Reset)]);
    let accounts = agentchat::Accounts::new().base_url("http://h").transport(script.clone());
    accounts.register(agentchat::Register::new("a@b.c", "bob")).await.unwrap_err();
    assert_eq!(script.count(), 1);
}
