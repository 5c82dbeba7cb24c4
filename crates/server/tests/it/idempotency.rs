//! `Idempotency-Key` on every mutating route: handled once, answered the same again.

use std::time::{Duration, Instant};

use agentchat_store::{Engine, StoreError, Tx, Write};
use agentchat_store_test::store_test;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::accounts::mails;
use crate::client::{Answer, TestServer};
use crate::stage::{Stage, assert_snapshot};

const KEY: &str = "0123_abc-XYZ";

/// A request of an agent under a key.
pub(crate) async fn keyed(
    server: &TestServer,
    api_key: &str,
    key: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Answer {
    let authorization = format!("Bearer {api_key}");
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", key)];
    server.request(method, path, &headers, body.as_bytes()).await
}

impl Stage {
    async fn keyed(&self, agent: &str, key: &str, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        keyed(&self.server, self.key(agent), key, method, path, &body).await
    }

    async fn name(&self, agent: &str) -> Value {
        self.get(agent, "/v1/agents/me").await.json()["display_name"].clone()
    }
}

/// Whether it was answered before.
fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotent-replay") == Some("true")
}

#[store_test]
async fn the_same_request_is_answered_again_and_does_nothing(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    let first = stage.keyed("alice", KEY, "PATCH", "/v1/agents/alice", json!({ "display_name": "One" })).await;
    assert_eq!((first.status, is_replay(&first)), (200, false), "{first:?}");
    stage.clock.advance(1_000);
    stage.patch("alice", "/v1/agents/alice", json!({ "display_name": "Two" })).await;
    let again = stage.keyed("alice", KEY, "PATCH", "/v1/agents/alice", json!({ "display_name": "One" })).await;
    assert_eq!((again.status, is_replay(&again)), (200, true), "{again:?}");
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    assert_eq!(stage.name("alice").await, "Two");
}

#[store_test]
async fn a_key_is_of_one_request_and_one_caller(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let rename = |name: &str| json!({ "display_name": name });
    stage.keyed("alice", KEY, "PATCH", "/v1/agents/alice", rename("One")).await;
    let other_body = stage.keyed("alice", KEY, "PATCH", "/v1/agents/alice", rename("Two")).await;
    assert_snapshot!(other_body.print(), @r#"
    422
    {
      "code": "IDEMPOTENCY_KEY_CONFLICT",
      "message": "This Idempotency-Key was used for another request"
    }
    "#);
    let others = [
        stage.keyed("alice", KEY, "PATCH", "/v1/agents/alice?x=1", rename("One")).await,
        stage.keyed("alice", KEY, "DELETE", "/v1/agents/alice", rename("One")).await,
        stage.keyed("alice", KEY, "PUT", "/v1/reply/active", json!({})).await,
    ];
    for other in others {
        assert_eq!(other.refusal(), (422, "IDEMPOTENCY_KEY_CONFLICT".into()), "{other:?}");
    }
    let bob = stage.keyed("bob", KEY, "PATCH", "/v1/agents/bob", rename("Bob")).await;
    assert_eq!((bob.status, is_replay(&bob)), (200, false));
    let escaped = stage.keyed("alice", KEY, "PATCH", "/v1/agents/%61lice", rename("One")).await;
    assert!(is_replay(&escaped), "the same path, spelled otherwise: {escaped:?}");
}

#[store_test]
async fn a_key_comes_after_who_asks_and_before_everything_else(engine: Engine) {
    let stage = Stage::with(engine, &["alice"], |config| config.limits.set("api=1/3600").unwrap()).await;
    let too_long = "x".repeat(129);
    for key in ["short", "with space", "ünïcödé-", too_long.as_str(), "semi;colon"] {
        let refused = stage.keyed("alice", key, "PATCH", "/v1/agents/bob", Value::from(7)).await;
        assert_eq!(refused.refusal(), (400, "IDEMPOTENCY_KEY_INVALID".into()), "{key}: {refused:?}");
    }
    let server = &stage.server;
    let unknown = keyed(server, "ac_live_nobody", "short", "PATCH", "/v1/agents/alice", "{}").await;
    assert_eq!(unknown.refusal(), (401, "UNAUTHORIZED".into()));
    let large = "x".repeat(1024 * 1024 + 1);
    let large = keyed(server, "ac_live_nobody", "short", "PATCH", "/v1/agents/alice", &large).await;
    assert_eq!(large.refusal(), (413, "PAYLOAD_TOO_LARGE".into()));
    let method = keyed(server, "ac_live_nobody", "short", "PUT", "/v1/agents/alice", "{}").await;
    assert_eq!(method.refusal(), (405, "METHOD_NOT_ALLOWED".into()));
    let path = keyed(server, "ac_live_nobody", "short", "POST", "/v1/nothing", "{}").await;
    assert_eq!(path.refusal(), (404, "NOT_FOUND".into()));
    // None of them took the one token; where nothing is changed, a key is not even looked at.
    let read = keyed(server, stage.key("alice"), "short", "GET", "/v1/agents/me", "").await;
    assert_eq!(read.status, 200);
}

#[store_test]
async fn a_replay_takes_no_token_and_a_refusal_for_lack_of_one_is_not_kept(engine: Engine) {
    let stage = Stage::with(engine, &["alice"], |config| config.limits.set("api=1/60").unwrap()).await;
    let rename = || stage.keyed("alice", KEY, "PATCH", "/v1/agents/alice", json!({ "display_name": "One" }));
    assert_eq!(rename().await.status, 200);
    for _ in 0..5 {
        let again = rename().await;
        assert_eq!((again.status, again.header("ratelimit")), (200, None));
    }
    let limited = || stage.keyed("alice", "another-key", "PATCH", "/v1/agents/alice", json!({ "display_name": "Two" }));
    assert_eq!(limited().await.refusal(), (429, "RATE_LIMITED".into()));
    stage.clock.advance(60_000);
    let later = limited().await;
    assert_eq!((later.status, is_replay(&later)), (200, false), "{later:?}");
}

#[store_test]
async fn refusals_are_kept_as_well(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let nobodys = "/v1/messages/msg_01KF0FV2EEEHNV40B5XV4HWRT4";
    let requests = [
        ("key-00000001", "PATCH", "/v1/agents/bob", json!({}), 403),
        ("key-00000002", "PATCH", "/v1/agents/alice", json!([]), 400),
        ("key-00000003", "DELETE", nobodys, Value::Null, 404),
    ];
    for (key, method, path, body, status) in requests {
        let first = stage.keyed("alice", key, method, path, body.clone()).await;
        let again = stage.keyed("alice", key, method, path, body).await;
        assert_eq!((first.status, is_replay(&first), is_replay(&again)), (status, false, true), "{first:?} {again:?}");
        assert_eq!((again.status, &again.body), (first.status, &first.body));
    }
}

#[store_test]
async fn work_in_several_steps_is_answered_again_too(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let sent = stage.say("alice", "bob", "hello").await;
    let last = stage.waiting("bob").await[0]["delivery_id"].clone();
    let ack = || stage.keyed("bob", KEY, "POST", "/v1/messages/sync/ack", json!({ "last_delivery_id": last }));
    assert_eq!((ack().await.body, ack().await.body), (r#"{"acked":1}"#.to_owned(), r#"{"acked":1}"#.to_owned()));
    let path = format!("/v1/messages/{}/read", sent["id"].as_str().unwrap());
    let read = || stage.keyed("bob", "key-of-a-read", "POST", &path, Value::Null);
    let (first, again) = (read().await, read().await);
    assert_eq!((first.status, is_replay(&first), is_replay(&again)), (200, false, true));
    assert_eq!(again.body, first.body);
}

#[store_test]
async fn a_deleted_conversation_view_and_a_hidden_message_are_answered_again(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let sent = stage.say("alice", "bob", "hello").await;
    let id = |name: &str| sent[name].as_str().unwrap().to_owned();
    let paths = [format!("/v1/messages/{}", id("id")), format!("/v1/conversations/{}", id("conversation_id"))];
    for (number, path) in paths.iter().enumerate() {
        let key = format!("key-0000000{number}");
        let first = stage.keyed("bob", &key, "DELETE", path, Value::Null).await;
        let again = stage.keyed("bob", &key, "DELETE", path, Value::Null).await;
        assert_eq!((first.status, is_replay(&first), is_replay(&again)), (200, false, true), "{first:?} {again:?}");
        assert_eq!(again.body, first.body);
    }
}

#[store_test]
async fn a_key_of_the_caller_is_not_kept(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    stage.clock.advance(60_000);
    let begun = stage.post("alice", "/v1/agents/alice/rotate-key", json!({})).await.json();
    let code = stage.server.mailed_code("alice@example.com");
    let body = json!({ "pending_id": begun["pending_id"], "code": code }).to_string();
    let path = "/v1/agents/alice/rotate-key/verify";
    let rotated = keyed(&stage.server, stage.key("alice"), KEY, "POST", path, &body).await;
    let fresh = rotated.json()["api_key"].as_str().unwrap().to_owned();
    let again = keyed(&stage.server, &fresh, KEY, "POST", path, &body).await;
    assert!(is_replay(&again));
    assert_eq!(again.json(), json!({ "handle": "alice", "api_key": null }));
}

#[store_test]
async fn an_answer_is_kept_for_a_day_and_through_a_restart(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    let body = json!({ "display_name": "One" });
    stage.keyed("alice", KEY, "PATCH", "/v1/agents/alice", body.clone()).await;
    let stage = stage.meanwhile(Nothing).await;
    stage.clock.advance(24 * 60 * 60 * 1_000 - 1);
    assert!(is_replay(&stage.keyed("alice", KEY, "PATCH", "/v1/agents/alice", body.clone()).await));
    stage.clock.advance(1);
    let fresh = stage.keyed("alice", KEY, "PATCH", "/v1/agents/alice", json!({ "display_name": "Two" })).await;
    assert_eq!((fresh.status, is_replay(&fresh)), (200, false), "{fresh:?}");
}

/// While the server is down.
struct Nothing;

impl Write for Nothing {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, _: &mut Tx<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Asks for a code under a key: each time it is handled there is a mail.
async fn ask_for_code(stage: &Stage, key: &str) -> Answer {
    stage.keyed("alice", key, "POST", "/v1/agents/alice/rotate-key", Value::Null).await
}

fn no_cooldown(config: &mut agentchat_server::Config) {
    config.limits.set("otp_cooldown_s=0").unwrap();
}

#[store_test]
async fn of_many_at_once_one_is_handled(engine: Engine) {
    let stage = Stage::with(engine, &["alice"], no_cooldown).await;
    let before = mails(&stage.server);
    let asked = futures_util::future::join_all((0..16).map(|_| ask_for_code(&stage, KEY))).await;
    assert_eq!(mails(&stage.server) - before, 1);
    let handled = asked.iter().filter(|answer| answer.status == 200 && !is_replay(answer));
    let body = handled.map(|answer| answer.body.clone()).collect::<Vec<_>>();
    assert_eq!(body.len(), 1, "{asked:?}");
    for answer in asked.iter().filter(|answer| answer.status == 200) {
        assert_eq!(answer.body, body[0]);
    }
    for busy in asked.iter().filter(|answer| answer.status != 200) {
        assert_eq!(busy.refusal(), (409, "IDEMPOTENT_IN_PROGRESS".into()));
        assert_eq!(
            (busy.header("retry-after"), &busy.json()["details"]),
            (Some("1"), &json!({ "retry_after_ms": 1000 }))
        );
    }
    assert!(is_replay(&ask_for_code(&stage, KEY).await));
}

#[store_test]
async fn a_client_that_hangs_up_finds_its_answer(engine: Engine) {
    let stage = Stage::with(engine, &["alice"], no_cooldown).await;
    let before = mails(&stage.server);
    for round in 0..5 {
        let key = format!("hang-up-{round:04}");
        let head = format!(
            "POST /v1/agents/alice/rotate-key HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {}\r\n\
             Idempotency-Key: {key}\r\n\r\n",
            stage.key("alice")
        );
        let mut stream = TcpStream::connect(stage.server.running.addr()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        drop(stream);
        let deadline = Instant::now() + Duration::from_secs(10);
        while ask_for_code(&stage, &key).await.status == 409 {
            assert!(Instant::now() < deadline, "the key stays taken");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(is_replay(&ask_for_code(&stage, &key).await));
    }
    assert_eq!(mails(&stage.server) - before, 5);
}
