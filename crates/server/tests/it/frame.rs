//! What every answer carries, whatever was asked.

use bytes::Bytes;
use http::Version;
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use crate::client::TestServer;

#[tokio::test]
async fn every_answer_has_the_same_headers() {
    let server = TestServer::start().await;
    for path in ["/v1/health", "/v1/nothing", "/", "/metrics"] {
        let answer = server.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-request-id").map(str::len), Some(32), "{path}");
    }
    assert_eq!(server.get("/v1/health").await.header("content-type"), Some("application/json; charset=utf-8"));
}

#[tokio::test]
async fn a_request_id_is_kept_when_it_is_printable() {
    let server = TestServer::start().await;
    let sent = |id: &'static str| {
        let server = &server;
        async move { server.request("GET", "/v1/health", &[("X-Request-Id", id)], b"").await }
    };
    assert_eq!(sent("abc 123/~").await.header("x-request-id"), Some("abc 123/~"));
    assert_eq!(sent("caf\u{e9}").await.header("x-request-id").map(str::len), Some(32));
    let long: &'static str = Box::leak("x".repeat(129).into_boxed_str());
    assert_eq!(sent(long).await.header("x-request-id").map(str::len), Some(32));
}

#[tokio::test]
async fn an_unknown_route_is_a_json_404() {
    let server = TestServer::start().await;
    for (method, path) in
        [("GET", "/v1/nothing"), ("POST", "/v1/nothing"), ("DELETE", "/admin/nothing"), ("GET", "/dashboard/x")]
    {
        let answer = server.request(method, path, &[], b"").await;
        assert_eq!((answer.status, answer.error_code().as_str()), (404, "NOT_FOUND"), "{method} {path}");
    }
}

#[tokio::test]
async fn another_method_is_a_json_405_that_says_which_are_allowed() {
    let server = TestServer::start().await;
    let answer = server.request("DELETE", "/v1/health", &[], b"").await;
    assert_eq!((answer.status, answer.error_code().as_str()), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    assert_eq!(answer.json()["details"], json!({ "allow": ["GET", "HEAD"] }));
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let server = TestServer::start().await;
    let answer = server.request("HEAD", "/v1/health", &[], b"").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[tokio::test]
async fn paths_have_one_spelling_and_nothing_redirects() {
    let server = TestServer::start().await;
    for path in ["//v1/health", "///v1/health", "/v1/%68ealth"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
    for path in ["/v1/health/", "/v1//health", "/v1/./health", "/v1/x/../health", "/v1/%2e%2e/health", "/v1/%2E"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.error_code().as_str()), (404, "NOT_FOUND"), "{path}");
    }
}

#[tokio::test]
async fn a_preflight_is_the_only_204() {
    let server = TestServer::start().await;
    let headers = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "POST")];
    let answer = server.request("OPTIONS", "/v1/messages", &headers, b"").await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST, PUT, PATCH, DELETE"));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some(
            "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id, X-AgentChat-Client, X-AgentChat-Client-Version"
        )
    );
    assert_eq!(answer.header("access-control-max-age"), Some("600"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

#[tokio::test]
async fn pages_of_any_origin_may_read_v1_and_nothing_else() {
    let server = TestServer::start().await;
    let origin = [("Origin", "https://app.example")];
    let answer = server.request("GET", "/v1/nothing", &origin, b"").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        answer.header("access-control-expose-headers"),
        Some("Retry-After, RateLimit, RateLimit-Policy, X-Backlog-Warning, X-Request-Id, Idempotent-Replay, Location")
    );
    let admin = server.request("GET", "/admin/stats", &origin, b"").await;
    assert_eq!(admin.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn configured_origins_are_the_only_ones() {
    let server = TestServer::start_with(|config| config.cors_origins = vec!["https://app.example".to_owned()]).await;
    let named = server.request("GET", "/v1/health", &[("Origin", "https://app.example")], b"").await;
    assert_eq!(named.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(named.header("vary"), Some("Origin"));
    let other = server.request("GET", "/v1/health", &[("Origin", "https://evil.example")], b"").await;
    assert_eq!(other.status, 200);
    assert_eq!(other.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn http_2_is_spoken_too() {
    let server = TestServer::start().await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Empty<Bytes>>();
    let uri = format!("http://{}/v1/health", server.running.addr()).parse().unwrap();
    let answer = client.get(uri).await.unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (Version::HTTP_2, 200));
    assert!(answer.headers().contains_key("x-request-id"));
}
