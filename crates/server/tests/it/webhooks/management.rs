//! `/v1/webhooks`: making, showing, deleting; secrets; what was owed.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::nodes::Nodes;
use crate::realtime::peer::Agent;
use crate::stage::{Stage, assert_snapshot};

const URL: &str = "https://hooks.example.com:8443/in?a=b";

async fn hook(stage: &Stage, agent: &str, events: Value) -> Value {
    let answer = stage.post(agent, "/v1/webhooks", json!({ "url": URL, "events": events })).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn path(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap())
}

/// The answer without its secret, which has to be one.
fn without_secret(answer: &Answer) -> Value {
    let mut body = answer.json();
    let secret = body.as_object_mut().unwrap().remove("secret").unwrap();
    let secret = secret.as_str().unwrap().strip_prefix("whsec_").unwrap().to_owned();
    assert_eq!(STANDARD.decode(&secret).unwrap().len(), 32, "{secret}");
    body
}

async fn deliveries(stage: &Stage, agent: &str, webhook: &Value, query: &str) -> Value {
    let answer = stage.get(agent, &format!("{}/deliveries{query}", path(webhook))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[store_test]
async fn a_webhook_is_made_shown_and_deleted(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let body = json!({ "url": format!(" {URL} "), "events": ["group.deleted", "message.new", "group.deleted"] });
    let made = stage.post("alice", "/v1/webhooks", body).await;
    assert_eq!(made.status, 201);
    let webhook = without_secret(&made);
    let expected = json!({
        "id": webhook["id"], "url": URL, "events": ["message.new", "group.deleted"], "active": true,
        "created_at": "2026-01-15T09:30:00.000Z", "disabled_reason": null, "circuit": "closed",
    });
    assert_eq!(webhook, expected);
    assert!(webhook["id"].as_str().unwrap().starts_with("whk_"), "{webhook}");
    assert_eq!(stage.get("alice", &path(&webhook)).await.json(), webhook);
    let second = hook(&stage, "alice", json!(["contact.blocked"])).await;
    let list = stage.get("alice", "/v1/webhooks").await.json();
    assert_eq!((&list["webhooks"][0], &list["webhooks"][1]["id"]), (&webhook, &second["id"]));
    assert_eq!(list["webhooks"][1].get("secret"), None);
    assert_eq!(stage.get("bob", "/v1/webhooks").await.json(), json!({ "webhooks": [] }));
    assert_eq!(stage.delete("alice", &path(&webhook)).await.json(), json!({ "ok": true }));
    assert_eq!(stage.get("alice", &path(&webhook)).await.refusal(), (404, "NOT_FOUND".into()));
    assert_eq!(stage.get("alice", "/v1/webhooks").await.json()["webhooks"].as_array().unwrap().len(), 1);
}

#[store_test]
async fn what_cannot_be_called_is_refused(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    for (url, problem) in [
        ("http://example.com", "Must be an https URL"),
        ("https://a@example.com", "Must not name a user"),
        ("https://example.com/#a", "Must not have a fragment"),
        ("https://example.com:80", "The port must be 443 or 1024 to 65535"),
        ("https://10.0.0.1", "The address is not public"),
    ] {
        let answer = stage.post("alice", "/v1/webhooks", json!({ "url": url, "events": ["message.new"] })).await;
        assert_eq!(answer.refusal(), (400, "VALIDATION_ERROR".into()), "{url}");
        assert_eq!(answer.json()["details"]["fieldErrors"], json!({ "url": [problem] }));
    }
    assert_snapshot!(stage.post("alice", "/v1/webhooks", json!({ "events": [] })).await.print(), @r#"
    400
    {
      "code": "VALIDATION_ERROR",
      "message": "Invalid request",
      "details": {
        "formErrors": [],
        "fieldErrors": {
          "events": [
            "Expected at least one event"
          ],
          "url": [
            "Required"
          ]
        }
      }
    }
    "#);
}

#[store_test]
async fn the_sixth_is_refused(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    for _ in 0..5 {
        hook(&stage, "alice", json!(["message.new"])).await;
    }
    let body = json!({ "url": URL, "events": ["message.new"] });
    assert_snapshot!(stage.post("alice", "/v1/webhooks", body).await.print(), @r#"
    400
    {
      "code": "LIMIT_REACHED",
      "message": "An agent has at most 5 webhooks; delete one first",
      "details": {
        "limit": 5
      }
    }
    "#);
}

#[store_test]
async fn a_secret_is_shown_once(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    let authorization = format!("Bearer {}", stage.key("alice"));
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", "make-a-webhook")];
    let body = json!({ "url": URL, "events": ["message.new"] }).to_string();
    let made = stage.server.request("POST", "/v1/webhooks", &headers, body.as_bytes()).await;
    let again = stage.server.request("POST", "/v1/webhooks", &headers, body.as_bytes()).await;
    assert_eq!((again.status, again.header("idempotent-replay")), (201, Some("true")));
    assert_eq!((&again.json()["secret"], &again.json()["id"]), (&Value::Null, &made.json()["id"]));
    let rotate = format!("{}/rotate-secret", path(&made.json()));
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", "another-secret")];
    let rotated = stage.server.request("POST", &rotate, &headers, b"").await;
    assert_eq!(without_secret(&rotated), json!({ "id": made.json()["id"] }));
    assert_ne!(rotated.json()["secret"], made.json()["secret"]);
    let again = stage.server.request("POST", &rotate, &headers, b"").await;
    assert_eq!(again.json(), json!({ "id": made.json()["id"], "secret": null }));
}

#[store_test]
async fn webhooks_of_others_are_not_there(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let webhook = hook(&stage, "alice", json!(["contact.blocked"])).await;
    stage.block("bob", "alice").await;
    let owed = deliveries(&stage, "alice", &webhook, "").await["deliveries"][0]["id"].as_str().unwrap().to_owned();
    let theirs = path(&webhook);
    for at in [theirs.as_str(), "/v1/webhooks/x", "/v1/webhooks/whk_00000000000000000000000000"] {
        let answers = [
            stage.get("bob", at).await,
            stage.delete("bob", at).await,
            stage.post("bob", &format!("{at}/rotate-secret"), json!({})).await,
            stage.post("bob", &format!("{at}/test"), json!({})).await,
            stage.get("bob", &format!("{at}/deliveries")).await,
            stage.post("bob", &format!("{at}/deliveries/{owed}/replay"), json!({})).await,
        ];
        for answer in answers {
            assert_eq!(answer.json(), json!({ "code": "NOT_FOUND", "message": "No such webhook" }), "{at}");
        }
    }
    for id in ["x", "whd_00000000000000000000000000"] {
        let answer = stage.post("alice", &format!("{theirs}/deliveries/{id}/replay"), json!({})).await;
        assert_eq!(answer.json(), json!({ "code": "NOT_FOUND", "message": "No such delivery" }), "{id}");
    }
}

#[store_test]
async fn what_is_owed_is_listed_in_pages(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol", "dave"]).await;
    let webhook = hook(&stage, "alice", json!(["contact.blocked"])).await;
    assert_eq!(deliveries(&stage, "alice", &webhook, "").await, json!({ "deliveries": [], "next_before": null }));
    for blocker in ["bob", "carol", "dave"] {
        stage.clock.advance(1_000);
        stage.block(blocker, "alice").await;
    }
    let all = deliveries(&stage, "alice", &webhook, "").await;
    let rows = all["deliveries"].as_array().unwrap();
    let times: Vec<&str> = rows.iter().map(|row| row["created_at"].as_str().unwrap()).collect();
    assert_eq!(times, ["2026-01-15T09:30:03.000Z", "2026-01-15T09:30:02.000Z", "2026-01-15T09:30:01.000Z"]);
    assert_eq!(all["next_before"], Value::Null);
    let page = deliveries(&stage, "alice", &webhook, "?limit=2").await;
    assert_eq!((page["deliveries"].as_array().unwrap().len(), &page["next_before"]), (2, &rows[1]["id"]));
    let next = format!("?limit=2&before={}", page["next_before"].as_str().unwrap());
    let last = deliveries(&stage, "alice", &webhook, &next).await;
    assert_eq!((&last["deliveries"][0]["id"], &last["next_before"]), (&rows[2]["id"], &Value::Null));
    assert_eq!(last["deliveries"].as_array().unwrap().len(), 1);
    let none = deliveries(&stage, "alice", &webhook, "?status=dead").await;
    assert_eq!(none["deliveries"], json!([]));
    let unknown = deliveries(&stage, "alice", &webhook, "?before=whd_00000000000000000000000000").await;
    assert_eq!(unknown["deliveries"], json!([]));
    let wrong = stage.get("alice", "/v1/webhooks/x/deliveries?status=lost&before=x&limit=0").await;
    assert_eq!(wrong.refusal(), (400, "VALIDATION_ERROR".into()), "before the webhook is looked for");
}

#[tokio::test]
async fn a_webhook_made_on_one_node_counts_on_all() {
    let nodes = Nodes::told(2).await;
    let (first, second) = nodes.two();
    let (alice, bob) = (Agent::new(first, "alice").await, Agent::new(second, "bob").await);
    let made = alice.post(first, "/v1/webhooks", &json!({ "url": URL, "events": ["contact.blocked"] })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let at = path(&made.json());
    assert_eq!(bob.post(second, "/v1/contacts/alice/block", &json!({})).await.status, 200);
    let bearer = alice.bearer();
    let listed = second.request("GET", &format!("{at}/deliveries"), &[("Authorization", &bearer)], b"").await;
    assert_eq!(listed.json()["deliveries"][0]["event"], "contact.blocked");
    let deleted = second.request("DELETE", &at, &[("Authorization", &bearer)], b"").await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    let gone = first.request("GET", &at, &[("Authorization", &bearer)], b"").await;
    assert_eq!(gone.refusal(), (404, "NOT_FOUND".into()));
}
