//! The body cap answers before authentication and after routing.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::client::TestServer;

const CAP: usize = 1_048_576;

#[tokio::test]
async fn a_large_body_is_413_before_authentication() {
    let server = TestServer::start().await;
    let body = vec![b' '; CAP + 1];
    let declared = server.request("POST", "/v1/messages", &[], &body).await;
    assert_eq!((declared.status, declared.error_code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    assert_eq!(declared.json()["details"], json!({ "limit": CAP }));
    let chunked = server.chunked("POST", "/v1/messages", &body).await;
    assert_eq!((chunked.status, chunked.error_code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
}

#[store_test]
async fn a_body_at_the_cap_reaches_authentication(engine: Engine) {
    let server = TestServer::on(engine).await;
    let body = vec![b' '; CAP];
    let declared = server.request("POST", "/v1/messages", &[], &body).await;
    assert_eq!((declared.status, declared.error_code().as_str()), (401, "UNAUTHORIZED"));
    let chunked = server.chunked("POST", "/v1/messages", &body).await;
    assert_eq!(chunked.status, 401);
}

#[tokio::test]
async fn an_unknown_route_answers_before_the_cap() {
    let server = TestServer::start().await;
    let body = vec![b' '; CAP + 1];
    assert_eq!(server.request("POST", "/v1/nothing", &[], &body).await.status, 404);
    assert_eq!(server.chunked("PUT", "/v1/messages", &body).await.status, 405);
}

#[tokio::test]
async fn the_cap_is_a_limit_like_any_other() {
    let server = TestServer::start_with(|config| config.limits.set("json_body=10").unwrap()).await;
    let answer = server.request("POST", "/v1/messages", &[], b"{\"to\":\"bob\"}").await;
    assert_eq!(answer.json()["details"], json!({ "limit": 10 }));
}
