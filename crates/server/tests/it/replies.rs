//! Reply coordination, pending reviews and the wake webhook over HTTP.

use agentchat_protocol::agent::PausedByOwner;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::stage::{Stage, Standing, assert_snapshot};

impl Stage {
    async fn claim(&self, holder: &str, message: &str) -> Value {
        self.post("alice", "/v1/reply/claim", json!({ "message_id": message, "holder": holder })).await.json()
    }
}

#[store_test]
async fn a_session_takes_and_releases_its_lease(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    let leased = stage.put("alice", "/v1/reply/active", json!({ "session_id": "desk", "ttl_seconds": 60 })).await;
    assert_snapshot!(leased.print(), @r#"
    200
    {
      "ok": true,
      "active": true,
      "expires_at": "2026-01-15T09:31:00.000Z"
    }
    "#);
    let marker = stage.put("alice", "/v1/reply/active", json!({})).await.json();
    assert_eq!(marker["expires_at"], "2026-01-15T09:35:00.000Z");
    assert_eq!(stage.get("alice", "/v1/reply/active").await.json(), json!({ "active": true }));
    // Without a body: the unnamed marker. The session remains.
    assert_eq!(stage.delete("alice", "/v1/reply/active").await.json(), json!({ "ok": true, "active": true }));
    stage.clock.advance(60_000);
    assert_eq!(stage.get("alice", "/v1/reply/active").await.json(), json!({ "active": false }));
    assert_eq!(stage.delete("alice", "/v1/reply/active").await.json(), json!({ "ok": true, "active": false }));
    let wrong =
        stage.put("alice", "/v1/reply/active", json!({ "session_id": "x".repeat(129), "ttl_seconds": 0 })).await;
    assert_snapshot!(wrong.print(), @r#"
    400
    {
      "code": "VALIDATION_ERROR",
      "message": "Invalid request",
      "details": {
        "formErrors": [],
        "fieldErrors": {
          "session_id": [
            "Too long"
          ],
          "ttl_seconds": [
            "Expected 1 to 3600"
          ]
        }
      }
    }
    "#);
}

#[store_test]
async fn one_of_them_claims_a_message(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    assert_eq!(stage.claim("desk", "m1").await, json!({ "claimed": true, "deferred": false }));
    assert_eq!(stage.claim("daemon", "m1").await, json!({ "claimed": false, "deferred": false }));
    let batch = json!({ "message_ids": ["m0", "m1", "m2"], "holder": "daemon" });
    let claimed = stage.post("alice", "/v1/reply/claim-batch", batch).await.json();
    assert_eq!(claimed, json!({ "claimed_count": 1, "deferred": false }));
    stage.put("alice", "/v1/reply/active", json!({})).await;
    let deferred = json!({ "message_id": "m9", "holder": "daemon", "defer_if_active": true });
    let deferred = stage.post("alice", "/v1/reply/claim", deferred).await.json();
    assert_eq!(deferred, json!({ "claimed": false, "deferred": true }));
    let deferred = json!({ "message_ids": ["m9"], "holder": "daemon", "defer_if_active": true });
    let deferred = stage.post("alice", "/v1/reply/claim-batch", deferred).await.json();
    assert_eq!(deferred, json!({ "claimed_count": 0, "deferred": true }));
    for (path, body) in [("claim", json!({})), ("claim-batch", json!({ "message_ids": [], "holder": "x" }))] {
        let refused = stage.post("alice", &format!("/v1/reply/{path}"), body).await;
        assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR".into()), "{path}");
    }
}

#[store_test]
async fn an_owners_pause_changes_nothing_about_it(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    let stage = stage.meanwhile(Standing::Paused("alice", PausedByOwner::Full)).await;
    assert_eq!(stage.put("alice", "/v1/reply/active", json!({})).await.status, 200);
    assert_eq!(stage.claim("desk", "m1").await["claimed"], true);
    assert_eq!(stage.get("alice", "/v1/reply/active").await.json(), json!({ "active": true }));
}

#[store_test]
async fn an_installation_says_what_waits_for_a_person(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    let review = json!({
        "id": "r-1", "conversation_id": "conv_01KF0FV2ENFV1T8ZEF0PGKKP4N", "peer_agents": ["@Bob"],
        "focus_message_id": "msg_01KF0FV2EEEHNV40B5XV4HWRT4", "reason": "something_new",
        "first_requested_at": "2026-01-15T09:30:00Z", "updated_at": "2026-01-15T09:30:00Z"
    });
    let body = json!({ "installation_id": "019bc0f0-a4c0-7a1b-8c2d-3e4f50617283", "pending_reviews": [review] });
    let kept = stage.put("alice", "/v1/pending-reviews", body).await;
    assert_eq!((kept.status, kept.json()), (200, json!({ "ok": true, "count": 1 })));
    let empty = json!({ "installation_id": "019bc0f0-a4c0-7a1b-8c2d-3e4f50617283", "pending_reviews": [] });
    assert_eq!(stage.put("alice", "/v1/pending-reviews", empty).await.json(), json!({ "ok": true, "count": 0 }));
    let wrong = json!({ "installation_id": "desk", "pending_reviews": [{}] });
    let wrong = stage.put("alice", "/v1/pending-reviews", wrong).await;
    assert_eq!(wrong.refusal(), (400, "VALIDATION_ERROR".into()));
    assert_eq!(wrong.json()["details"]["fieldErrors"]["pending_reviews.0.reason"], json!(["Required"]));
}

#[store_test]
async fn a_wake_webhook_is_public(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    let path = "/v1/agents/me/wake-webhook";
    let set = stage.put("alice", path, json!({ "url": "https://example.com:8443/wake", "secret": "s3cret" })).await;
    assert_eq!((set.status, &set.json()["state"]), (200, &json!("active")));
    for url in
        ["http://example.com", "https://u@example.com", "https://127.0.0.1", "https://example.com:80", "nonsense"]
    {
        let refused = stage.put("alice", path, json!({ "url": url, "secret": "s3cret" })).await;
        assert_eq!(refused.refusal(), (400, "VALIDATION_ERROR".into()), "{url}");
        let fields = refused.json()["details"]["fieldErrors"].clone();
        assert_eq!(fields.as_object().unwrap().keys().collect::<Vec<_>>(), ["url"], "{url}");
    }
    let refused = stage.put("alice", path, json!({ "url": "https://example.com", "secret": "x".repeat(257) })).await;
    assert_eq!(refused.json()["details"]["fieldErrors"]["secret"], json!(["Expected 1 to 256 characters"]));
    for _ in 0..2 {
        let cleared = stage.delete("alice", path).await;
        assert_eq!((cleared.status, cleared.json()), (200, json!({ "ok": true })));
    }
}
