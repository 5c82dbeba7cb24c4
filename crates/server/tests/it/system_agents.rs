//! `POST /admin/rotate-system-agent-key`.

use agentchat_core::accounts::{EmailCaps, NewAccount};
use agentchat_core::agents::CreateAgent;
use agentchat_protocol::api_key::{ApiKey, hash_key};
use agentchat_protocol::email::Email;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::AgentId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::realtime::peer::{Agent, Peer};
use crate::stage::{Stage, assert_snapshot};

const TOKEN: &str = "an-operator-token-of-forty-characters-or-so";

/// A stage with alice, and herald, who works for the platform under this key.
async fn with_herald(engine: Engine) -> (Stage, String) {
    let stage = Stage::with(engine, &["alice"], |config| config.admin_token = Some(TOKEN.to_owned().into())).await;
    let key = ApiKey::from_entropy([7; 32]);
    let herald = CreateAgent {
        account: NewAccount {
            handle: Handle::parse("herald").unwrap(),
            email: Email::parse("herald@example.com").unwrap(),
            display_name: None,
            description: None,
        },
        id: AgentId::from_bytes([7; 16]),
        key_hash: hash_key(key.expose()),
        is_system: true,
        caps: EmailCaps::default(),
        now: Timestamp::from_millis(1_768_469_400_000),
    };
    (stage.meanwhile(herald).await, key.expose().to_owned())
}

async fn rotate(stage: &Stage, body: Value) -> Answer {
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("Authorization", authorization.as_str())];
    stage.server.request("POST", "/admin/rotate-system-agent-key", &headers, body.to_string().as_bytes()).await
}

async fn status(stage: &Stage, key: &str) -> u16 {
    let authorization = format!("Bearer {key}");
    stage.server.request("GET", "/v1/agents/me", &[("Authorization", &authorization)], b"").await.status
}

#[store_test]
async fn a_system_agent_gets_another_key(engine: Engine) {
    let (stage, old) = with_herald(engine).await;
    assert_eq!(status(&stage, &old).await, 200);
    let mut peer = Peer::acking(&stage.server, &Agent { handle: "herald", key: old.clone() }).await;
    let answer = rotate(&stage, json!({ "handle": "@Herald" })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let fresh = answer.json()["api_key"].as_str().unwrap().to_owned();
    assert_eq!(answer.json(), json!({ "handle": "herald", "api_key": fresh }));
    assert_eq!(peer.closed().await, (4403, "API key rotated".to_owned()));
    assert_eq!((status(&stage, &old).await, status(&stage, &fresh).await), (401, 200));
}

#[store_test]
async fn others_get_none_from_the_operator(engine: Engine) {
    let (stage, _) = with_herald(engine).await;
    for handle in ["alice", "nobody-here", "not a handle", ""] {
        let refused = rotate(&stage, json!({ "handle": handle })).await;
        assert_eq!(refused.refusal(), (404, "NOT_A_SYSTEM_AGENT".into()), "{handle}");
    }
    assert_eq!(status(&stage, stage.key("alice")).await, 200);
    assert_snapshot!(rotate(&stage, json!({})).await.print(), @r#"
    400
    {
      "code": "VALIDATION_ERROR",
      "message": "Invalid request",
      "details": {
        "formErrors": [],
        "fieldErrors": {
          "handle": [
            "Required"
          ]
        }
      }
    }
    "#);
    let unsigned = stage.post("alice", "/admin/rotate-system-agent-key", json!({ "handle": "herald" })).await;
    assert_eq!(unsigned.refusal(), (401, "OPS_AUTH_REQUIRED".into()));
}

#[store_test]
async fn ten_keys_an_hour(engine: Engine) {
    let (stage, _) = with_herald(engine).await;
    for _ in 0..10 {
        assert_eq!(rotate(&stage, json!({ "handle": "alice" })).await.status, 404, "takes nothing");
        assert_eq!(rotate(&stage, json!({ "handle": "herald" })).await.status, 200);
    }
    assert_snapshot!(rotate(&stage, json!({ "handle": "herald" })).await.print(), @r#"
    429
    retry-after: 360
    {
      "code": "RATE_LIMITED",
      "message": "Rate limit `system_key` reached",
      "details": {
        "reason": "system_key",
        "limit": 10,
        "window_s": 3600,
        "retry_after_ms": 360000
      }
    }
    "#);
    stage.clock.advance(360_000);
    assert_eq!(rotate(&stage, json!({ "handle": "herald" })).await.status, 200);
}
