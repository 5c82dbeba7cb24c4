//! Corners of the conventions that no single resource owns.

use crate::client::TestServer;
use crate::stage::Stage;
use agentchat_store::Engine;
use agentchat_store_test::store_test;

#[tokio::test]
async fn the_beginning_of_a_literal_route_is_no_id() {
    let server = TestServer::start().await;
    for path in ["/v1/messages/undelivered", "/v1/conversations/direct"] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = server.request(method, path, &[], b"").await;
            assert_eq!((answer.status, answer.error_code().as_str()), (404, "NOT_FOUND"), "{method} {path}");
        }
    }
}

#[store_test]
async fn literal_segments_win_over_handles_and_ids(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    for (path, allow) in
        [("/v1/agents/me", "GET,HEAD"), ("/v1/agents/recover", "POST"), ("/v1/messages/sync", "GET,HEAD")]
    {
        let refused = stage.delete("alice", path).await;
        assert_eq!((refused.refusal(), refused.header("allow")), ((405, "METHOD_NOT_ALLOWED".to_owned()), Some(allow)));
    }
}

#[tokio::test]
async fn what_is_no_request_gets_an_envelope_too() {
    let server = TestServer::start().await;
    let long = format!("GET /v1/{} HTTP/1.1\r\nHost: test\r\n\r\n", "a".repeat(70_000));
    let crowded = format!("GET /v1/health HTTP/1.1\r\nHost: test\r\n{}\r\n", "X-More: 1\r\n".repeat(200));
    let mute = "NONSENSE\r\n\r\n".to_owned();
    let length = "POST /v1/messages HTTP/1.1\r\nHost: test\r\nContent-Length: ten\r\n\r\n".to_owned();
    for bytes in [long, crowded, mute, length] {
        let answer = server.raw(bytes.as_bytes()).await;
        assert_eq!(answer.refusal(), (400, "VALIDATION_ERROR".to_owned()));
        assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
        assert_eq!(answer.header("x-request-id").map(str::len), Some(32));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.json()["details"]["formErrors"].is_array());
    }
    assert_eq!(server.get("/v1/health").await.status, 200);
}
