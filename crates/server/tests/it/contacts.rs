//! `/v1/contacts`: contacts, blocks, reports.

use agentchat_protocol::agent::AgentStatus;
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use crate::stage::{Stage, Standing, assert_snapshot};

fn invalid() -> (u16, String) {
    (400, "VALIDATION_ERROR".to_owned())
}

fn no_agent() -> (u16, String) {
    (404, "AGENT_NOT_FOUND".to_owned())
}

fn nothing() -> (u16, String) {
    (404, "NOT_FOUND".to_owned())
}

/// The handles of a page's rows.
fn handles(page: &Value, rows: &str) -> Vec<String> {
    let rows = page[rows].as_array().unwrap_or_else(|| panic!("no rows: {page}"));
    rows.iter().map(|row| row["handle"].as_str().unwrap().to_owned()).collect()
}

#[store_test]
async fn a_contact_is_added_noted_and_removed(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    assert_eq!(
        stage.patch("bob", "/v1/agents/bob", json!({ "display_name": "Bob", "description": "b" })).await.status,
        200
    );
    assert_snapshot!(stage.post("alice", "/v1/contacts", json!({ "handle": "@Bob" })).await.print(), @r#"
    201
    {
      "handle": "bob",
      "display_name": "Bob",
      "description": "b",
      "avatar_url": null,
      "status": "active",
      "notes": null,
      "added_at": "2026-01-15T09:30:00.000Z"
    }
    "#);
    stage.clock.advance(1_000);
    let noted = stage.patch("alice", "/v1/contacts/@BOB", json!({ "notes": " knows\tRust\n" })).await;
    assert_snapshot!(noted.print(), @r#"
    200
    {
      "ok": true
    }
    "#);
    assert_snapshot!(stage.get("alice", "/v1/contacts/bob").await.print(), @r#"
    200
    {
      "is_contact": true,
      "added_at": "2026-01-15T09:30:00.000Z",
      "notes": "knows\tRust"
    }
    "#);
    let again = stage.post("alice", "/v1/contacts", json!({ "handle": "bob" })).await;
    assert_eq!((again.status, &again.json()["notes"]), (201, &json!("knows\tRust")));
    assert_eq!(again.json()["added_at"], "2026-01-15T09:30:00.000Z");
    assert_eq!(stage.delete("alice", "/v1/contacts/Bob").await.json(), json!({ "ok": true }));
    assert_snapshot!(stage.get("alice", "/v1/contacts/bob").await.print(), @r#"
    200
    {
      "is_contact": false,
      "added_at": null,
      "notes": null
    }
    "#);
    assert_eq!(stage.delete("alice", "/v1/contacts/bob").await.refusal(), nothing());
}

#[store_test]
async fn contacts_come_in_pages_by_handle(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol", "dave"]).await;
    for handle in ["dave", "bob", "carol"] {
        assert_eq!(stage.post("alice", "/v1/contacts", json!({ "handle": handle })).await.status, 201);
    }
    let page = stage.get("alice", "/v1/contacts?limit=2&offset=1").await.json();
    assert_eq!(handles(&page, "contacts"), ["carol", "dave"]);
    assert_eq!(page["items"], page["contacts"]);
    assert_eq!((&page["total"], &page["limit"], &page["offset"]), (&json!(3), &json!(2), &json!(1)));
    let whole = stage.get("alice", "/v1/contacts?limit=1000&offset=").await.json();
    assert_eq!((&whole["limit"], &whole["offset"], handles(&whole, "items").len()), (&json!(100), &json!(0), 3));
    assert_eq!(stage.get("alice", "/v1/contacts").await.json()["limit"], 50);
    for list in ["/v1/contacts", "/v1/contacts/blocked"] {
        for wrong in ["limit=0", "limit=x", "offset=-1", "offset=1.5"] {
            assert_eq!(stage.get("alice", &format!("{list}?{wrong}")).await.refusal(), invalid(), "{list}?{wrong}");
        }
    }
}

#[store_test]
async fn who_replies_becomes_a_contact_of_both(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.say("alice", "bob", "hello").await;
    assert_eq!(stage.get("alice", "/v1/contacts").await.json()["total"], 0);
    stage.say("bob", "alice", "hi").await;
    for (one, other) in [("alice", "bob"), ("bob", "alice")] {
        assert_eq!(handles(&stage.get(one, "/v1/contacts").await.json(), "contacts"), [other]);
    }
}

#[store_test]
async fn deleted_contacts_stay_as_names(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    assert_eq!(
        stage.patch("bob", "/v1/agents/bob", json!({ "display_name": "Bob", "description": "b" })).await.status,
        200
    );
    assert_eq!(stage.post("alice", "/v1/contacts", json!({ "handle": "bob" })).await.status, 201);
    assert_eq!(stage.post("alice", "/v1/contacts/bob/block", json!({})).await.status, 200);
    assert_eq!(stage.delete("bob", "/v1/agents/bob").await.status, 200);
    let contact = stage.get("alice", "/v1/contacts").await.json()["contacts"][0].clone();
    assert_eq!((&contact["handle"], &contact["status"]), (&json!("bob"), &json!("deleted")));
    assert_eq!((&contact["display_name"], &contact["description"]), (&Value::Null, &Value::Null));
    let blocked = stage.get("alice", "/v1/contacts/blocked").await.json()["blocked"][0].clone();
    assert_eq!((&blocked["handle"], &blocked["display_name"]), (&json!("bob"), &Value::Null));
    assert_eq!(stage.patch("alice", "/v1/contacts/bob", json!({ "notes": "was kind" })).await.status, 200);
    assert_eq!(stage.delete("alice", "/v1/contacts/bob").await.status, 200);
    assert_eq!(stage.delete("alice", "/v1/contacts/bob/block").await.status, 200);
}

#[store_test]
async fn hidden_unknown_and_malformed_handles_are_told_apart_by_nobody(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let stage = stage.meanwhile(Standing::Is("bob", AgentStatus::Suspended)).await;
    for handle in ["bob", "nobody", "x", "no--body"] {
        let added = stage.post("alice", "/v1/contacts", json!({ "handle": handle })).await;
        assert_eq!(added.refusal(), no_agent(), "{handle}");
        for verb in ["block", "report"] {
            let path = format!("/v1/contacts/{handle}/{verb}");
            let refused = stage.post_text("alice", &path, "").await;
            assert_eq!((refused.refusal(), &refused.body), (no_agent(), &added.body), "{handle}");
        }
        let path = format!("/v1/contacts/{handle}");
        assert_eq!(stage.get("alice", &path).await.json()["is_contact"], false);
        assert_eq!(stage.patch("alice", &path, json!({})).await.refusal(), nothing());
        assert_eq!(stage.delete("alice", &path).await.refusal(), nothing());
        assert_eq!(stage.delete("alice", &format!("{path}/block")).await.refusal(), nothing());
    }
    for body in ["", "[]", "{}", r#"{"handle":null}"#, r#"{"handle":7}"#] {
        assert_eq!(stage.post_text("alice", "/v1/contacts", body).await.refusal(), invalid(), "{body}");
    }
    assert_eq!(stage.post("alice", "/v1/contacts", json!({ "handle": "alice" })).await.refusal(), invalid());
}

#[store_test]
async fn notes_are_bounded_and_cleared_by_nothing(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    assert_eq!(stage.post("alice", "/v1/contacts", json!({ "handle": "bob" })).await.status, 201);
    let longest = "ü".repeat(1000);
    for clear in [json!({}), json!({ "notes": null }), json!({ "notes": "" }), json!({ "notes": " \n " })] {
        assert_eq!(stage.patch("alice", "/v1/contacts/bob", json!({ "notes": longest })).await.status, 200);
        assert_eq!(stage.get("alice", "/v1/contacts/bob").await.json()["notes"], longest);
        assert_eq!(stage.patch("alice", "/v1/contacts/bob", clear.clone()).await.status, 200, "{clear}");
        assert_eq!(stage.get("alice", "/v1/contacts/bob").await.json()["notes"], Value::Null, "{clear}");
    }
    let too_long = "ü".repeat(1001);
    for wrong in [json!(too_long), json!("bell\u{7}"), json!("\u{202e}backwards"), json!(7)] {
        let refused = stage.patch("alice", "/v1/contacts/nobody", json!({ "notes": wrong })).await;
        assert_eq!(refused.refusal(), invalid(), "{wrong}");
        assert!(refused.json()["details"]["fieldErrors"]["notes"].is_array(), "{refused:?}");
    }
}

#[store_test]
async fn the_blocked_are_listed_newest_first(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    for handle in ["carol", "bob"] {
        let path = format!("/v1/contacts/@{handle}/block");
        assert_eq!(stage.post_text("alice", &path, "").await.json(), json!({ "ok": true }));
        stage.clock.advance(1_000);
    }
    assert_eq!(stage.post_text("alice", "/v1/contacts/carol/block", "").await.status, 200, "once more changes nothing");
    assert_snapshot!(stage.get("alice", "/v1/contacts/blocked?limit=1").await.print(), @r#"
    200
    {
      "blocked": [
        {
          "handle": "bob",
          "display_name": null,
          "blocked_at": "2026-01-15T09:30:01.000Z"
        }
      ],
      "total": 2,
      "limit": 1,
      "offset": 0
    }
    "#);
    assert_eq!(handles(&stage.get("alice", "/v1/contacts/blocked").await.json(), "blocked"), ["bob", "carol"]);
    assert_eq!(stage.delete("alice", "/v1/contacts/carol/block").await.json(), json!({ "ok": true }));
    assert_eq!(stage.delete("alice", "/v1/contacts/carol/block").await.refusal(), nothing());
    assert_eq!(handles(&stage.get("alice", "/v1/contacts/blocked").await.json(), "blocked"), ["bob"]);
}

#[store_test]
async fn blocked_agents_are_told_the_same_whoever_blocked(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.say("alice", "bob", "hello").await;
    stage.say("bob", "alice", "hi").await;
    assert_eq!(stage.post_text("bob", "/v1/contacts/alice/block", "").await.status, 200);
    let (one, other) = (stage.try_say("alice", "bob", "x").await, stage.try_say("bob", "alice", "y").await);
    assert_eq!(one.refusal(), (403, "BLOCKED".to_owned()));
    assert_eq!(one.body, other.body);
    assert_eq!(stage.get("alice", "/v1/contacts/bob").await.json()["is_contact"], true, "contacts stay");
    assert_eq!(stage.delete("bob", "/v1/contacts/alice/block").await.status, 200);
    stage.say("alice", "bob", "z").await;
}

#[store_test]
async fn a_report_is_made_once_and_blocks(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    for wrong in
        [json!({ "reason": "x".repeat(1001) }), json!({ "reason": 7 }), json!({ "reason": "\u{9b}" }), json!([])]
    {
        let refused = stage.post("alice", "/v1/contacts/nobody/report", wrong.clone()).await;
        assert_eq!(refused.refusal(), invalid(), "{wrong}");
    }
    assert_eq!(stage.post_text("alice", "/v1/contacts/alice/report", "").await.refusal(), invalid());
    assert_eq!(stage.post_text("alice", "/v1/contacts/alice/block", "").await.refusal(), invalid());
    let reported = stage.post("alice", "/v1/contacts/bob/report", json!({ "reason": "x".repeat(1000) })).await;
    assert_eq!((reported.status, reported.json()), (200, json!({ "ok": true })));
    assert_eq!(handles(&stage.get("alice", "/v1/contacts/blocked").await.json(), "blocked"), ["bob"]);
    let again = stage.post_text("alice", "/v1/contacts/bob/report", "").await;
    assert_eq!(again.refusal(), (409, "ALREADY_REPORTED".to_owned()));
    assert_eq!(stage.post("bob", "/v1/contacts/alice/report", json!({ "reason": null })).await.status, 200);
}

#[store_test]
async fn what_changes_edges_is_answered_once_under_a_key(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let authorization = format!("Bearer {}", stage.key("alice"));
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", "report-bob-1")];
    let report = || stage.server.request("POST", "/v1/contacts/bob/report", &headers, b"");
    let (first, second) = (report().await, report().await);
    assert_eq!((first.status, second.status, &first.body), (200, 200, &second.body));
    assert_eq!((first.header("idempotent-replay"), second.header("idempotent-replay")), (None, Some("true")));
}

#[store_test]
async fn literal_paths_are_no_handles(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    assert_eq!(stage.delete("alice", "/v1/contacts/blocked").await.refusal(), (405, "METHOD_NOT_ALLOWED".to_owned()));
    assert_eq!(stage.post_text("alice", "/v1/contacts/blocked/block", "").await.refusal(), no_agent());
}
