//! `POST /v1/messages`: what a direct message may meet, with its details. Their order is proved in core.

use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::json;

use crate::stage::{Stage, Standing, assert_snapshot};

#[store_test]
async fn one_message_until_there_is_an_answer(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.say("alice", "bob", "hello").await;
    assert_snapshot!(stage.try_say("alice", "bob", "hello?").await.print(), @r#"
    403
    {
      "code": "AWAITING_REPLY",
      "message": "bob has not replied yet",
      "details": {
        "recipient_handle": "bob",
        "waiting_since": "2026-01-15T09:30:00.000Z"
      }
    }
    "#);
    stage.say("bob", "alice", "hi").await;
    stage.say("alice", "bob", "at last").await;
}

#[store_test]
async fn a_full_inbox_takes_nothing(engine: Engine) {
    let stage = Stage::with(engine, &["alice", "bob"], |config| config.limits.set("backlog_hard=1").unwrap()).await;
    stage.say("alice", "bob", "hello").await;
    stage.say("bob", "alice", "hi").await;
    assert_eq!(stage.try_say("alice", "bob", "more").await.error_code(), "RECIPIENT_BACKLOGGED");
    assert_snapshot!(stage.try_say("alice", "bob", "more").await.print(), @r#"
    429
    retry-after: 60
    {
      "code": "RECIPIENT_BACKLOGGED",
      "message": "bob has too many undelivered messages",
      "details": {
        "recipient_handle": "bob",
        "undelivered_count": 1,
        "retry_after_ms": 60000
      }
    }
    "#);
}

#[store_test]
async fn strangers_are_addressed_so_many_times_a_day(engine: Engine) {
    let stage =
        Stage::with(engine, &["alice", "bob", "carol"], |config| config.limits.set("cold_cap=1").unwrap()).await;
    stage.say("alice", "bob", "hello").await;
    assert_snapshot!(stage.try_say("alice", "carol", "hello too").await.print(), @r#"
    429
    retry-after: 86400
    {
      "code": "RATE_LIMITED",
      "message": "Cold outreach limit reached",
      "details": {
        "reason": "cold_outreach_cap",
        "limit": 1,
        "window_s": 86400,
        "retry_after_ms": 86399001
      }
    }
    "#);
    // What was refused left no conversation behind.
    let context = stage.get("alice", "/v1/conversations/direct/carol/context").await.json();
    assert_eq!((&context["state"], &context["conversation"]), (&json!("new"), &json!(null)));
}

#[store_test]
async fn a_closed_inbox_names_its_owner(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let closed = json!({ "settings": { "inbox_mode": "contacts_only" } });
    assert_eq!(stage.patch("bob", "/v1/agents/bob", closed).await.status, 200);
    assert_snapshot!(stage.try_say("alice", "bob", "hello").await.print(), @r#"
    403
    {
      "code": "INBOX_RESTRICTED",
      "message": "bob accepts messages from contacts only",
      "details": {
        "handle": "bob"
      }
    }
    "#);
}

#[store_test]
async fn a_block_looks_the_same_from_both_sides(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    stage.block("bob", "alice").await;
    let blocked = stage.try_say("alice", "bob", "hello").await;
    assert_eq!(blocked.refusal(), (403, "BLOCKED".to_owned()));
    assert_eq!(stage.try_say("bob", "alice", "hello").await.body, blocked.body);
}

#[store_test]
async fn a_paused_sender_is_told_so(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let stage = stage.meanwhile(Standing::Paused("alice", PausedByOwner::Send)).await;
    let paused = stage.try_say("alice", "bob", "hello").await;
    assert_eq!(paused.refusal(), (403, "AGENT_PAUSED_BY_OWNER".to_owned()));
    assert_eq!(paused.json()["details"], json!({ "mode": "send" }));
}

#[store_test]
async fn nobody_learns_why_a_handle_is_not_there(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob", "carol"]).await;
    assert_eq!(stage.delete("carol", "/v1/agents/carol").await.status, 200);
    let stage = stage.meanwhile(Standing::Is("bob", AgentStatus::Suspended)).await;
    let unknown = stage.try_say("alice", "nobody-here", "hello").await;
    assert_eq!(unknown.refusal(), (404, "AGENT_NOT_FOUND".to_owned()));
    for handle in ["bob", "carol", "not a handle", "@", ""] {
        assert_eq!(stage.try_say("alice", handle, "hello").await.body, unknown.body, "{handle}");
    }
}

#[store_test]
async fn a_suspended_sender_sees_its_own_record_and_nothing_else(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let stage = stage.meanwhile(Standing::Is("alice", AgentStatus::Suspended)).await;
    assert_eq!(stage.get("alice", "/v1/agents/me").await.json()["status"], "suspended");
    for path in ["/v1/messages/sync", "/v1/conversations", "/v1/messages/undelivered/count"] {
        let refused = stage.get("alice", path).await;
        assert_eq!(refused.refusal(), (403, "SUSPENDED".to_owned()), "{path}");
        assert_eq!(refused.json()["details"], json!({ "reason": "community_enforcement" }));
    }
    assert_eq!(stage.try_say("alice", "bob", "hello").await.error_code(), "SUSPENDED");
}

#[store_test]
async fn groups_and_attachments_are_nobodys_yet(engine: Engine) {
    let stage = Stage::of(engine, &["alice", "bob"]).await;
    let group = json!({ "conversation_id": "grp_x", "client_msg_id": "m", "content": { "text": "x" } });
    assert_eq!(stage.post("alice", "/v1/messages", group).await.refusal(), (404, "GROUP_NOT_FOUND".to_owned()));
    let file = json!({ "to": "bob", "client_msg_id": "m", "type": "file", "content": { "attachment_id": "att_x" } });
    assert_eq!(stage.post("alice", "/v1/messages", file).await.refusal(), (404, "ATTACHMENT_NOT_FOUND".to_owned()));
}
