//! `POST /v1/agents/{handle}/rotate-key` and `…/verify`.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use super::{at_a_standstill, call, wrong};

#[store_test]
async fn an_agent_replaces_its_own_key(engine: Engine) {
    let (server, clock) = at_a_standstill(engine).await;
    let old = server.register("alice").await;
    clock.advance(60_000);
    let begun = call(&server, &old, "POST", "/v1/agents/@Alice/rotate-key", "").await;
    assert_eq!((begun.status, begun.json()["message"].as_str()), (200, Some("Verification code sent to email")));
    assert_eq!(call(&server, &old, "POST", "/v1/agents/alice/rotate-key", "").await.error_code(), "OTP_COOLDOWN");
    let code = server.mailed_code("alice@example.com");
    let pending = &begun.json()["pending_id"];
    let verify = async |key: &str, code: &str| {
        let body = json!({ "pending_id": pending, "code": code }).to_string();
        call(&server, key, "POST", "/v1/agents/alice/rotate-key/verify", &body).await
    };
    assert_eq!(verify(&old, wrong(&code)).await.error_code(), "INVALID_CODE");
    let rotated = verify(&old, &code).await;
    assert_eq!(rotated.status, 200);
    let body = rotated.json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["handle", "api_key"]);
    let fresh = body["api_key"].as_str().unwrap();
    assert_eq!(call(&server, &old, "GET", "/v1/agents/me", "").await.error_code(), "UNAUTHORIZED");
    assert_eq!(call(&server, fresh, "GET", "/v1/agents/me", "").await.status, 200);
    assert_eq!(verify(fresh, &code).await.error_code(), "EXPIRED");
}

#[store_test]
async fn nobody_rotates_the_key_of_another(engine: Engine) {
    let (server, clock) = at_a_standstill(engine).await;
    let (alice, bob) = (server.register("alice").await, server.register("bob").await);
    clock.advance(60_000);
    for handle in ["bob", "nobody", "-"] {
        let refused = call(&server, &alice, "POST", &format!("/v1/agents/{handle}/rotate-key"), "").await;
        assert_eq!((refused.status, refused.error_code().as_str()), (403, "FORBIDDEN"));
        // Whose account it is comes before what the body says.
        let refused = call(&server, &alice, "POST", &format!("/v1/agents/{handle}/rotate-key/verify"), "[]").await;
        assert_eq!(refused.error_code(), "FORBIDDEN");
    }
    assert_eq!(server.request("POST", "/v1/agents/bob/rotate-key", &[], b"").await.error_code(), "UNAUTHORIZED");
    let begun = call(&server, &alice, "POST", "/v1/agents/alice/rotate-key", "").await;
    let stolen = json!({ "pending_id": begun.json()["pending_id"], "code": server.mailed_code("alice@example.com") });
    let refused = call(&server, &bob, "POST", "/v1/agents/bob/rotate-key/verify", &stolen.to_string()).await;
    assert_eq!(refused.error_code(), "EXPIRED");
    let body = call(&server, &alice, "POST", "/v1/agents/alice/rotate-key/verify", "{}").await;
    assert_eq!(body.error_code(), "VALIDATION_ERROR");
}
