//! `/admin/support-escalations`.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::accounts::call;
use crate::chatfather::{TOKEN, heard, start, tell};
use crate::client::{Answer, TestServer};

async fn list(server: &TestServer, query: &str) -> Answer {
    call(server, TOKEN, "GET", &format!("/admin/support-escalations{query}"), "").await
}

async fn change(server: &TestServer, id: &str, operator: Option<&str>, body: Value) -> Answer {
    let authorization = format!("Bearer {TOKEN}");
    let mut headers = vec![("Authorization", authorization.as_str())];
    headers.extend(operator.map(|operator| ("X-Ops-Operator", operator)));
    let path = format!("/admin/support-escalations/{id}");
    server.request("PATCH", &path, &headers, body.to_string().as_bytes()).await
}

#[store_test]
async fn what_agents_report_reaches_the_operator(engine: Engine) {
    let server = start(engine).await;
    let alice = server.register("alice").await;
    heard(&server, &alice, 1).await;
    let sent = tell(&server, &alice, "/report abuse somebody is rude").await.json();
    let answer = heard(&server, &alice, 2).await.remove(1);
    let listed = list(&server, "").await.json();
    let report = &listed["escalations"][0];
    assert!(answer["content"]["text"].as_str().unwrap().contains(report["id"].as_str().unwrap()), "{answer}");
    let expected = json!({
        "id": report["id"], "from_agent_handle": "alice", "conversation_id": sent["conversation_id"],
        "original_message_id": sent["id"], "category": "abuse", "summary": "somebody is rude", "status": "open",
        "created_at": report["created_at"], "resolved_at": null, "resolved_by": null, "resolution_note": null
    });
    assert_eq!(listed, json!({ "escalations": [expected] }));

    let id = report["id"].as_str().unwrap();
    let body = json!({ "status": "resolved", "resolution_note": "talked to them" });
    let resolved = change(&server, id, Some("ops-1"), body).await;
    assert_eq!(resolved.status, 200, "{resolved:?}");
    let resolved = &resolved.json()["escalation"];
    assert_eq!((&resolved["status"], &resolved["resolved_by"]), (&json!("resolved"), &json!("ops-1")));
    assert_eq!(resolved["resolution_note"], "talked to them");
    assert!(resolved["resolved_at"].is_string());
    assert_eq!(list(&server, "").await.json(), json!({ "escalations": [] }));
    for query in ["?status=resolved", "?status=all&limit=1", "?status=all&before=2100-01-01T00:00:00Z"] {
        assert_eq!(list(&server, query).await.json()["escalations"][0], *resolved, "{query}");
    }
    assert_eq!(list(&server, "?status=all&before=2020-01-01T00:00:00Z").await.json(), json!({ "escalations": [] }));
    let open = change(&server, id, Some("ops-2"), json!({ "status": "open" })).await.json();
    assert_eq!((&open["escalation"]["resolved_at"], &open["escalation"]["resolved_by"]), (&Value::Null, &Value::Null));
    assert_eq!(list(&server, "?status=live").await.json()["escalations"][0]["id"], report["id"]);
}

#[store_test]
async fn refusals_come_in_their_order(engine: Engine) {
    let server = start(engine).await;
    let unknown = "esc_01KF0FV2EEEHNV40B5XV4HWRT4";
    let foreign = call(&server, "nobody", "GET", "/admin/support-escalations?limit=0", "").await;
    assert_eq!((foreign.status, foreign.error_code()), (401, "OPS_AUTH_REQUIRED".into()));
    for query in ["?status=lost", "?limit=0", "?before=yesterday"] {
        let refused = list(&server, query).await;
        assert_eq!((refused.status, refused.error_code()), (400, "VALIDATION_ERROR".into()), "{query}");
    }
    let fields = |answer: &Answer| {
        assert_eq!((answer.status, answer.error_code()), (400, "VALIDATION_ERROR".into()), "{answer:?}");
        answer.json()["details"]["fieldErrors"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let nothing = change(&server, unknown, None, json!({ "resolution_note": "x".repeat(1_001) })).await;
    assert_eq!(fields(&nothing), ["X-Ops-Operator", "resolution_note", "status"]);
    let wrong = change(&server, unknown, Some("ops-1"), json!({ "status": "live" })).await;
    assert_eq!(fields(&wrong), ["status"]);
    for id in [unknown, "nonsense"] {
        let missing = change(&server, id, Some("ops-1"), json!({ "status": "resolved" })).await;
        assert_eq!((missing.status, missing.error_code()), (404, "NOT_FOUND".into()), "{id}");
    }
}
