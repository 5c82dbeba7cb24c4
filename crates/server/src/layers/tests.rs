//! What the outer layer does with handlers that misbehave.

use agentchat_store::{Store, StoreOptions};
use axum::routing::{get, post};
use http::header::ALLOW;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::*;
use crate::config::Config;
use crate::run::assemble;

async fn edge(routes: Router<App>) -> (Edge, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions::new(folder.path())).unwrap();
    let app = assemble(Config::new(folder.path()), store).await.unwrap();
    let router = routes.with_state(app.clone());
    (Edge::new(app, router, ["/v1/panic".to_owned()]), folder)
}

async fn ask(edge: &Edge, method: &str, path: &str) -> (StatusCode, http::HeaderMap, Value) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let response = edge.answer_body(SocketAddr::from(([127, 0, 0, 1], 1)), request).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_panic_is_a_500_of_that_request_only() {
    async fn panicking() {
        panic!("out of cheese");
    }
    let (edge, _folder) = edge(Router::new().route("/v1/panic", get(panicking))).await;
    for _ in 0..2 {
        let (status, headers, body) = ask(&edge, "GET", "/v1/panic").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(headers.contains_key("x-request-id"));
        assert_eq!(body, json!({ "code": "INTERNAL_ERROR", "message": "Something failed on our side" }));
    }
}

#[tokio::test]
async fn errors_of_axum_itself_get_the_envelope() {
    let routes = Router::new()
        .route("/v1/text", get(async || (StatusCode::BAD_GATEWAY, "plain text")))
        .route("/v1/empty", get(async || StatusCode::SERVICE_UNAVAILABLE))
        .route("/v1/teapot", get(async || StatusCode::IM_A_TEAPOT))
        .route("/v1/only-post", post(async || "done"));
    let (edge, _folder) = edge(routes).await;
    let (status, _, body) = ask(&edge, "GET", "/v1/text").await;
    assert_eq!((status, &body["code"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("INTERNAL_ERROR")));
    let (status, headers, body) = ask(&edge, "GET", "/v1/empty").await;
    assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("SERVICE_UNAVAILABLE")));
    assert_eq!(headers["retry-after"], "1");
    let (status, _, body) = ask(&edge, "GET", "/v1/teapot").await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("VALIDATION_ERROR")));
    assert_eq!(body["details"]["fieldErrors"], json!({}));
    let (status, headers, body) = ask(&edge, "GET", "/v1/only-post").await;
    assert_eq!((status, &headers[ALLOW]), (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap()));
    assert_eq!(body["details"], json!({ "allow": ["POST"] }));
}

#[tokio::test]
async fn readiness_fails_with_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions::new(folder.path())).unwrap();
    let app = assemble(Config::new(folder.path()), store).await.unwrap();
    let (router, paths) = crate::api::router(&app);
    let edge = Edge::new(app.clone(), router, paths);
    assert_eq!(ask(&edge, "GET", "/v1/ready").await.0, StatusCode::OK);
    app.store.close().await;
    let (status, headers, body) = ask(&edge, "GET", "/v1/ready").await;
    assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("SERVICE_UNAVAILABLE")));
    assert_eq!(body["details"]["checks"], json!({ "database": "failed", "storage": "ok" }));
    assert!(headers.contains_key("retry-after"));
    assert_eq!(ask(&edge, "GET", "/v1/health").await.0, StatusCode::OK);
}
