//! `POST /v1/register` and `/v1/register/verify`.

use agentchat_protocol::api_key::ApiKey;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use super::{at_a_standstill, call, post, wrong};
use crate::client::TestServer;

const MAIL: &str = "ops@example.com";

#[store_test]
async fn an_agent_registers_and_is_known(engine: Engine) {
    let (server, _clock) = at_a_standstill(engine).await;
    let begin =
        json!({ "email": " OPS@example.com", "handle": "@Build-Bot", "display_name": null, "description": "CI" });
    let begun = post(&server, "/v1/register", &begin).await;
    assert_eq!((begun.status, begun.json()["message"].as_str()), (200, Some("Verification code sent to email")));
    let pending = begun.json()["pending_id"].clone();
    assert!(pending.as_str().unwrap().starts_with("pnd_"));

    let code = format!(" {} ", server.mailed_code(MAIL));
    let verified = post(&server, "/v1/register/verify", &json!({ "pending_id": pending, "code": code })).await;
    assert_eq!(verified.status, 201);
    let body = verified.json();
    let agent = &body["agent"];
    let id = agent["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("agt_"));
    assert_eq!(
        *agent,
        json!({
            "id": id, "handle": "build-bot", "email": MAIL, "display_name": null, "description": "CI",
            "avatar_url": null, "status": "active", "paused_by_owner": "none",
            "settings": { "inbox_mode": "open", "group_invite_policy": "open" }, "is_system": false,
            "created_at": "2026-01-15T09:30:00.000Z", "updated_at": "2026-01-15T09:30:00.000Z",
        })
    );
    let key = body["api_key"].as_str().unwrap();
    assert!(ApiKey::checksum_ok(key), "{key}");
    assert_eq!(call(&server, key, "GET", "/v1/agents/me", "").await.json(), *agent);
    assert_eq!(
        server.get("/v1/agents/@BUILD-bot").await.json(),
        json!({
            "handle": "build-bot", "display_name": null, "description": "CI", "avatar_url": null, "status": "active",
            "is_system": false, "created_at": "2026-01-15T09:30:00.000Z",
        })
    );
}

#[store_test]
async fn a_registration_is_refused_in_the_order_of_the_contract(engine: Engine) {
    let (server, clock) = at_a_standstill(engine).await;
    server.register("alice").await;
    let begin = async |email: &str, handle: &str| {
        post(&server, "/v1/register", &json!({ "email": email, "handle": handle })).await
    };
    let invalid = begin("no-address", "admin").await;
    assert_eq!((invalid.status, invalid.error_code().as_str()), (400, "VALIDATION_ERROR"));
    assert_eq!(invalid.json()["details"]["fieldErrors"]["email"].as_array().unwrap().len(), 1);
    for (handle, reason) in [("admin", "reserved"), ("blocked", "reserved"), ("a b", "format")] {
        let refused = begin(MAIL, handle).await;
        assert_eq!((refused.status, refused.error_code().as_str()), (400, "INVALID_HANDLE"));
        assert_eq!(refused.json()["details"], json!({ "reason": reason }));
    }
    let taken = begin("alice@example.com", "Alice").await;
    assert_eq!((taken.status, taken.error_code().as_str()), (409, "HANDLE_TAKEN"));
    clock.advance(1_500);
    let early = begin("alice@example.com", "bob").await;
    assert_eq!((early.status, early.error_code().as_str()), (429, "OTP_COOLDOWN"));
    assert_eq!(early.json()["details"], json!({ "retry_after_ms": 58_500 }));
    assert_eq!(early.header("retry-after"), Some("59"));
    assert_eq!(post(&server, "/v1/register", &json!([])).await.error_code(), "VALIDATION_ERROR");
    assert_eq!(server.request("POST", "/v1/register", &[], b"").await.error_code(), "VALIDATION_ERROR");
}

#[store_test]
async fn malformed_codes_are_no_tries_and_wrong_ones_are(engine: Engine) {
    let (server, _clock) = at_a_standstill(engine).await;
    let begun = post(&server, "/v1/register", &json!({ "email": MAIL, "handle": "alice" })).await.json();
    let (pending, code) = (&begun["pending_id"], server.mailed_code(MAIL));
    let verify = async |pending: &serde_json::Value, code: &str| {
        post(&server, "/v1/register/verify", &json!({ "pending_id": pending, "code": code })).await
    };
    for malformed in ["12345", "1234567", "12345x", ""] {
        assert_eq!(verify(pending, malformed).await.error_code(), "VALIDATION_ERROR");
    }
    assert_eq!(verify(&json!("pnd_01KF0FV2FZFBGSWHY679P7590S"), &code).await.error_code(), "EXPIRED");
    assert_eq!(verify(&json!("something else"), &code).await.error_code(), "EXPIRED");
    assert_eq!(verify(&json!(7), &code).await.error_code(), "VALIDATION_ERROR");
    for _ in 0..5 {
        let refused = verify(pending, wrong(&code)).await;
        assert_eq!((refused.status, refused.error_code().as_str()), (400, "INVALID_CODE"));
        assert!(refused.json().get("details").is_none());
    }
    let exhausted = verify(pending, &code).await;
    assert_eq!((exhausted.status, exhausted.error_code().as_str()), (429, "OTP_ATTEMPTS_EXHAUSTED"));
    assert_eq!(exhausted.json()["details"], json!({ "retry_after_ms": 60_000 }));
}

#[store_test]
async fn one_email_backs_several_agents_up_to_its_limit(engine: Engine) {
    let server = TestServer::on_with(engine, |config| {
        config.limits.set("emails_live=2").unwrap();
        config.limits.set("otp_cooldown_s=0").unwrap();
    })
    .await;
    for handle in ["bot-1", "bot-2"] {
        let begun = post(&server, "/v1/register", &json!({ "email": MAIL, "handle": handle })).await.json();
        let verify = json!({ "pending_id": begun["pending_id"], "code": server.mailed_code(MAIL) });
        assert_eq!(post(&server, "/v1/register/verify", &verify).await.status, 201);
    }
    let refused = post(&server, "/v1/register", &json!({ "email": MAIL, "handle": "bot-3" })).await;
    assert_eq!((refused.status, refused.error_code().as_str()), (409, "EMAIL_LIMIT_REACHED"));
    assert_eq!(refused.json()["details"], json!({ "limit": 2 }));
}

#[store_test]
async fn mail_that_cannot_be_handed_over_takes_no_slot(engine: Engine) {
    let (server, _clock) = at_a_standstill(engine).await;
    let folder = server.home.folder.path().join("mail");
    std::fs::remove_dir_all(&folder).unwrap();
    let begin = json!({ "email": MAIL, "handle": "alice" });
    let failed = post(&server, "/v1/register", &begin).await;
    assert_eq!((failed.status, failed.error_code().as_str()), (500, "OTP_FAILED"));
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(post(&server, "/v1/register", &begin).await.status, 200);
}

#[store_test]
async fn an_address_registers_five_times_an_hour(engine: Engine) {
    let server = TestServer::on_with(engine, |config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let begin = async || server.request("POST", "/v1/register", &[("X-Forwarded-For", "198.51.100.1")], b"{}").await;
    for _ in 0..5 {
        assert_eq!(begin().await.error_code(), "VALIDATION_ERROR");
    }
    let refused = begin().await;
    assert_eq!((refused.status, refused.error_code().as_str()), (429, "RATE_LIMITED"));
    let details = &refused.json()["details"];
    assert_eq!((details["reason"].as_str(), details["limit"].as_u64()), (Some("register"), Some(5)));
}
