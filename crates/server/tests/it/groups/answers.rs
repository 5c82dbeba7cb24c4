//! What succeeds, field by field.

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};

use super::{on_stage, text};
use crate::stage::{Stage, assert_snapshot};

#[store_test]
async fn a_group_is_made_and_shown(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let body = json!({ "name": " ops ", "description": null, "avatar_url": "https://example.com/a.png",
        "member_handles": ["@Bob", "bob", "alice", "nobody-here", "No Handle"], "settings": { "who_can_invite": "admin" } });
    let created = stage.post("alice", "/v1/groups", body).await;
    assert_snapshot!(created.print(), @r#"
    201
    {
      "group": {
        "id": "grp_1",
        "name": "ops",
        "description": null,
        "avatar_url": "https://example.com/a.png",
        "created_by": "alice",
        "settings": {
          "who_can_invite": "admin"
        },
        "member_count": 1,
        "created_at": "2026-01-15T09:30:00.000Z",
        "last_message_at": null,
        "members": [
          {
            "handle": "alice",
            "display_name": null,
            "role": "admin",
            "joined_at": "2026-01-15T09:30:00.000Z"
          }
        ],
        "your_role": "admin"
      },
      "add_results": [
        {
          "handle": "bob",
          "outcome": "invited",
          "invite_id": "inv_2"
        }
      ],
      "add_errors": [
        {
          "handle": "nobody-here",
          "code": "AGENT_NOT_FOUND"
        },
        {
          "handle": "no handle",
          "code": "AGENT_NOT_FOUND"
        }
      ]
    }
    "#);
    let created = created.json();
    let path = format!("/v1/groups/{}", text(&created["group"]["id"]));
    assert_eq!(stage.get("alice", &path).await.json(), created["group"]);
}

#[store_test]
async fn an_invitation_is_listed_and_followed(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let body = json!({ "name": "ops", "description": "nights" });
    let group = text(&stage.post("alice", "/v1/groups", body).await.json()["group"]["id"]);
    stage.clock.advance(1_000);
    let added = stage.post("alice", &format!("/v1/groups/{group}/members"), json!({ "handle": "@bob" })).await;
    assert_snapshot!(added.print(), @r#"
    201
    {
      "handle": "bob",
      "outcome": "invited",
      "invite_id": "inv_1"
    }
    "#);
    let listed = stage.get("bob", "/v1/groups/invites").await;
    assert_eq!(listed.json()[0]["id"], added.json()["invite_id"]);
    assert_snapshot!(listed.print(), @r#"
    200
    [
      {
        "id": "inv_1",
        "group_id": "grp_2",
        "group_name": "ops",
        "group_description": "nights",
        "group_avatar_url": null,
        "group_member_count": 1,
        "inviter_handle": "alice",
        "created_at": "2026-01-15T09:30:01.000Z"
      }
    ]
    "#);
    stage.clock.advance(1_000);
    let accept = format!("/v1/groups/invites/{}/accept", text(&added.json()["invite_id"]));
    let joined = stage.post_text("bob", &accept, "").await;
    assert_snapshot!(joined.print(), @r#"
    200
    {
      "id": "grp_1",
      "name": "ops",
      "description": "nights",
      "avatar_url": null,
      "created_by": "alice",
      "settings": {
        "who_can_invite": "admin"
      },
      "member_count": 2,
      "created_at": "2026-01-15T09:30:00.000Z",
      "last_message_at": "2026-01-15T09:30:02.000Z",
      "members": [
        {
          "handle": "alice",
          "display_name": null,
          "role": "admin",
          "joined_at": "2026-01-15T09:30:00.000Z"
        },
        {
          "handle": "bob",
          "display_name": null,
          "role": "member",
          "joined_at": "2026-01-15T09:30:02.000Z"
        }
      ],
      "your_role": "member"
    }
    "#);
    assert_eq!(stage.get("bob", "/v1/groups/invites").await.json(), json!([]));
    let again = stage.post("alice", &format!("/v1/groups/{group}/members"), json!({ "handle": "bob" })).await;
    assert_eq!((again.status, again.json()), (201, json!({ "handle": "bob", "outcome": "already_member" })));
}

#[store_test]
async fn what_happens_is_a_message_of_the_platform(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    on_stage(&stage, &["alice", "bob"]).await;
    let row = stage.waiting("alice").await.remove(0);
    assert_eq!(row["client_msg_id"], format!("sys_{}", text(&row["id"])));
    assert_eq!((&row["sender"], &row["type"], &row["metadata"]), (&json!("bob"), &json!("system"), &json!({})));
    let data = json!({ "data": { "schema_version": 1, "event": "member_joined", "agent_handle": "bob" } });
    assert_eq!((&row["content"], &row["seq"]), (&data, &json!(1)));
    let context = json!({ "type": "group", "group_name": "ops", "member_count": 2 });
    assert_eq!(row["context"]["conversation"], context);
}

#[store_test]
async fn members_come_to_ranks_and_go(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    let group = on_stage(&stage, &["alice", "bob", "carol"]).await;
    let member = |rest: &str| format!("/v1/groups/{group}/members/{rest}");
    let done = |message: &str| (200, json!({ "ok": true, "message": message }));
    let answer = stage.post("alice", &member("@Bob/promote"), Value::Null).await;
    assert_eq!((answer.status, answer.json()), done("Member promoted to admin"));
    let answer = stage.post("alice", &member("bob/demote"), Value::Null).await;
    assert_eq!((answer.status, answer.json()), done("Admin demoted to member"));
    let answer = stage.delete("alice", &member("bob")).await;
    assert_eq!((answer.status, answer.json()), done("Member removed"));
    let answer = stage.post_text("alice", &format!("/v1/groups/{group}/leave"), "").await;
    assert_eq!(answer.json(), json!({ "ok": true, "message": "Left group", "promoted_handle": "carol" }));
    let answer = stage.post_text("carol", &format!("/v1/groups/{group}/leave"), "").await;
    assert_eq!(answer.json(), json!({ "ok": true, "message": "Left group", "promoted_handle": null }));
    let gone = stage.get("alice", &format!("/v1/groups/{group}")).await;
    assert_eq!(gone.json()["details"]["deleted_by_handle"], "carol");
}

#[store_test]
async fn an_invitation_is_declined(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let created = stage.post("alice", "/v1/groups", json!({ "name": "ops", "member_handles": ["bob"] })).await.json();
    let path = format!("/v1/groups/invites/{}", text(&created["add_results"][0]["invite_id"]));
    let answer = stage.delete("bob", &path).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "ok": true, "message": "Invite rejected" })));
    assert_eq!(stage.delete("bob", &path).await.error_code(), "INVITE_NOT_FOUND");
}

#[store_test]
async fn a_profile_is_changed(engine: Engine) {
    let stage = Stage::of(engine, &["alice"]).await;
    let group = on_stage(&stage, &["alice"]).await;
    let path = format!("/v1/groups/{group}");
    let changes = json!({ "name": "nights", "description": "a\nb", "avatar_url": "HTTPS://example.com/x?y#z" });
    let changed = stage.patch("alice", &path, changes.clone()).await.json();
    for (name, value) in changes.as_object().unwrap() {
        assert_eq!(changed[name], *value);
    }
    assert_eq!(stage.patch("alice", &path, json!({})).await.json(), changed);
    let cleared = stage.patch("alice", &path, json!({ "description": null, "avatar_url": null })).await.json();
    assert_eq!((&cleared["description"], &cleared["avatar_url"]), (&Value::Null, &Value::Null));
    for bad in ["http://example.com/", "https://", "https:///path", "https://exa mple.com/", "example.com", ""] {
        let answer = stage.patch("alice", &path, json!({ "avatar_url": bad })).await;
        assert_eq!(answer.refusal(), (400, "VALIDATION_ERROR".to_owned()), "{bad}");
        assert!(answer.json()["details"]["fieldErrors"]["avatar_url"].is_array());
    }
}

#[store_test]
async fn an_ended_group_is_gone_for_whoever_was_in_it(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let group = on_stage(&stage, &["alice", "bob"]).await;
    let path = format!("/v1/groups/{group}");
    assert_snapshot!(stage.delete("alice", &path).await.print(), @r#"
    200
    {
      "ok": true,
      "message": "Group deleted",
      "deleted_at": "2026-01-15T09:30:01.000Z"
    }
    "#);
    assert_snapshot!(stage.get("bob", &path).await.print(), @r#"
    410
    {
      "code": "GROUP_DELETED",
      "message": "This group was deleted by alice",
      "details": {
        "group_id": "grp_1",
        "deleted_by_handle": "alice",
        "deleted_at": "2026-01-15T09:30:01.000Z"
      }
    }
    "#);
}

#[store_test]
async fn under_a_key_a_group_is_made_once(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let authorization = format!("Bearer {}", stage.key("alice"));
    let headers = [("Authorization", authorization.as_str()), ("Idempotency-Key", "group-0001")];
    let body = json!({ "name": "ops", "member_handles": ["bob"] }).to_string();
    let first = stage.server.request("POST", "/v1/groups", &headers, body.as_bytes()).await;
    let second = stage.server.request("POST", "/v1/groups", &headers, body.as_bytes()).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!((second.header("idempotent-replay"), second.json()), (Some("true"), first.json()));
    assert_eq!(stage.get("bob", "/v1/groups/invites").await.rows().len(), 1);
}
