//! `POST /v1/agents/recover` and `/v1/agents/recover/verify`.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::{at_a_standstill, call, mails, post, wrong};
use crate::client::{Answer, TestServer};

async fn begin(server: &TestServer, body: Value) -> Answer {
    post(server, "/v1/agents/recover", &body).await
}

async fn verify(server: &TestServer, begun: &Answer, code: &str) -> Answer {
    let body = json!({ "pending_id": begun.json()["pending_id"], "code": code });
    post(server, "/v1/agents/recover/verify", &body).await
}

/// The code of a mail that is sent off the request path: it is there once the work beside requests is done.
async fn recovered_code(server: &TestServer, email: &str, before: usize) -> String {
    while mails(server) == before {
        tokio::task::yield_now().await;
    }
    server.mailed_code(email)
}

#[store_test]
async fn a_lost_key_is_replaced_and_the_old_one_is_dead(engine: Engine) {
    let (server, clock) = at_a_standstill(engine).await;
    let old = server.register("alice").await;
    assert_eq!(call(&server, &old, "GET", "/v1/agents/me", "").await.status, 200);
    clock.advance(60_000);
    let begun = begin(&server, json!({ "email": "alice@example.com", "handle": null })).await;
    let code = recovered_code(&server, "alice@example.com", 1).await;
    assert_eq!(verify(&server, &begun, wrong(&code)).await.error_code(), "INVALID_CODE");
    let recovered = verify(&server, &begun, &code).await;
    assert_eq!(recovered.status, 200);
    let body = recovered.json();
    assert_eq!(body["handle"], "alice");
    assert!(body["message"].is_string());
    let fresh = body["api_key"].as_str().unwrap();
    assert_eq!(call(&server, &old, "GET", "/v1/agents/me", "").await.error_code(), "UNAUTHORIZED");
    assert_eq!(call(&server, fresh, "GET", "/v1/agents/me", "").await.json()["handle"], "alice");
    assert_eq!(verify(&server, &begun, &code).await.error_code(), "EXPIRED");
}

#[store_test]
async fn hits_and_misses_get_the_same_answer(engine: Engine) {
    let (server, clock) = at_a_standstill(engine).await;
    server.register("alice").await;
    clock.advance(60_000);
    let hit = begin(&server, json!({ "email": "alice@example.com" })).await;
    recovered_code(&server, "alice@example.com", 1).await;
    for miss in [
        json!({ "email": "nobody@example.com" }),
        json!({ "email": "bob@example.com", "handle": "alice" }),
        // The gate of this e-mail is closed now.
        json!({ "email": "alice@example.com" }),
        json!({ "email": "alice@example.com", "handle": "no such handle" }),
    ] {
        let answer = begin(&server, miss).await;
        assert_eq!((answer.status, &answer.json()["message"]), (200, &hit.json()["message"]));
        assert_eq!(answer.body.len(), hit.body.len());
        assert_eq!(verify(&server, &answer, "123456").await.error_code(), "INVALID_CODE");
    }
    assert_eq!(mails(&server), 2);
    assert_eq!(begin(&server, json!({ "email": "alice" })).await.error_code(), "VALIDATION_ERROR");
    assert_eq!(
        begin(&server, json!({ "email": "alice@example.com", "handle": 1 })).await.error_code(),
        "VALIDATION_ERROR"
    );
}

#[store_test]
async fn several_agents_need_a_name(engine: Engine) {
    let server = TestServer::on_with(engine, |config| config.limits.set("otp_cooldown_s=0").unwrap()).await;
    for handle in ["zoe", "alice"] {
        let begin = json!({ "email": "ops@example.com", "handle": handle });
        let begun = post(&server, "/v1/register", &begin).await.json();
        let verify = json!({ "pending_id": begun["pending_id"], "code": server.mailed_code("ops@example.com") });
        assert_eq!(post(&server, "/v1/register/verify", &verify).await.status, 201);
    }
    let begun = begin(&server, json!({ "email": "ops@example.com" })).await;
    let code = recovered_code(&server, "ops@example.com", 2).await;
    let unnamed = verify(&server, &begun, &code).await;
    assert_eq!((unnamed.status, unnamed.error_code().as_str()), (409, "HANDLE_REQUIRED"));
    assert_eq!(unnamed.json()["details"], json!({ "handles": ["alice", "zoe"] }));
    assert_eq!(verify(&server, &begun, &code).await.error_code(), "EXPIRED");
    let named = begin(&server, json!({ "email": "ops@example.com", "handle": "@Zoe" })).await;
    let code = recovered_code(&server, "ops@example.com", 3).await;
    assert_eq!(verify(&server, &named, &code).await.json()["handle"], "zoe");
}

#[store_test]
async fn a_registration_is_unknown_to_recovery(engine: Engine) {
    let (server, _clock) = at_a_standstill(engine).await;
    let begun = post(&server, "/v1/register", &json!({ "email": "ops@example.com", "handle": "alice" })).await;
    let code = server.mailed_code("ops@example.com");
    assert_eq!(verify(&server, &begun, &code).await.error_code(), "EXPIRED");
    let verify = json!({ "pending_id": begun.json()["pending_id"], "code": code });
    assert_eq!(post(&server, "/v1/register/verify", &verify).await.status, 201);
}
