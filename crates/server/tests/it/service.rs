//! Health, readiness, metrics, the OpenAPI document.

use agentchat_server::{Config, Secret};
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::client::TestServer;

#[store_test]
async fn it_says_what_it_is(engine: Engine) {
    let server = TestServer::on(engine).await;
    assert_eq!(
        server.get("/").await.json(),
        json!({ "name": "AgentChat API", "version": env!("CARGO_PKG_VERSION"), "status": "alive" })
    );
    assert_eq!(server.get("/v1/health").await.json(), json!({ "status": "ok" }));
    assert_eq!(
        server.get("/v1/ready").await.json(),
        json!({ "status": "ready", "checks": { "database": "ok", "storage": "ok" } })
    );
}

#[store_test]
async fn metrics_count_requests_by_route_and_client(engine: Engine) {
    let server = TestServer::on(engine).await;
    server.request("GET", "/v1/health", &[("X-AgentChat-Client", "python_sdk")], b"").await;
    server.request("GET", "/v1/health", &[("X-AgentChat-Client", "something else")], b"").await;
    server.get("/v1/agents/some-handle/nothing").await;
    let answer = server.get("/metrics").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        r#"agentchat_http_requests_total{route="/v1/health",method="GET",status="200"}"#,
        r#"agentchat_http_requests_total{route="unmatched",method="GET",status="404"}"#,
        r#"agentchat_http_request_seconds_bucket{route="/v1/health",method="GET",le="0.001"}"#,
        r#"agentchat_client_requests_total{client="python_sdk"}"#,
        r#"agentchat_client_requests_total{client="other"}"#,
        "# HELP agentchat_http_requests_total Answered requests by route, method and status.",
        "agentchat_undelivered_envelopes ",
        "agentchat_search_waiting ",
    ] {
        assert!(answer.body.contains(line), "{line} is not in\n{}", answer.body);
    }
    assert!(!answer.body.contains("some-handle"));
}

#[store_test]
async fn metrics_ask_for_their_token(engine: Engine) {
    let server = TestServer::on_with(engine, |config: &mut Config| config.metrics_token = Some(Secret::new("m"))).await;
    let answer = server.get("/metrics").await;
    assert_eq!((answer.status, answer.error_code().as_str()), (401, "UNAUTHORIZED"));
    let wrong = server.request("GET", "/metrics", &[("Authorization", "Bearer n")], b"").await;
    assert_eq!(wrong.status, 401);
    let right = server.request("GET", "/metrics", &[("Authorization", "bearer m")], b"").await;
    assert_eq!(right.status, 200);
}

#[tokio::test]
async fn the_openapi_document_describes_the_frame() {
    let server = TestServer::start().await;
    let document = server.get("/v1/openapi.json").await.json();
    assert_eq!(document["openapi"].as_str().map(|version| &version[..4]), Some("3.1."));
    assert_eq!(
        document["components"]["securitySchemes"]["api_key"],
        json!({ "type": "http", "scheme": "bearer", "description": "An agent's API key." })
    );
    assert!(document["components"]["schemas"]["ErrorBody"]["properties"]["code"].is_object());
    assert!(document["paths"]["/v1/ready"]["get"]["responses"]["503"].is_object());
}
