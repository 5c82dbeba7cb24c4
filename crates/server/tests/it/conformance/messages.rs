//! wire.md §5 and §7: sending, history, reading, hiding.

use agentchat_protocol::agent::PausedByOwner;
use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::files::{filled, slot};
use super::ladder::{Auth, Ladder, agent, ladders};
use super::world::{Call, Deed, befriended, did, reinstated, said, suspended};
use crate::stage::Standing;

/// What a first write answers: skipped members only in groups, and only where there are some.
const SENT: &str = "{..Message, skipped_recipients?: [text]}";

fn sending(section: &'static str) -> Ladder {
    Ladder::of(section, "POST /v1/messages", Auth::Sender)
}

fn to(handle: &str) -> Value {
    json!({ "to": handle, "client_msg_id": "m-1", "content": { "text": "x", "attachment_id": "att_x" } })
}

fn into(conversation: &str) -> Value {
    json!({ "conversation_id": conversation, "client_msg_id": "m-1", "content": { "text": "x" } })
}

/// A message that refers to the last attachment made.
fn with_the_file(target: Value) -> Value {
    let mut body = json!({ "client_msg_id": "m-1", "type": "file", "content": { "attachment_id": "$attachment" } });
    body.as_object_mut().unwrap().extend(target.as_object().cloned().unwrap_or_default());
    body
}

/// The message's id and its conversation's get names.
fn kept(said: Call) -> Call {
    said.keep("message", "/id").keep("conversation", "/conversation_id")
}

/// A group that ended while alice and bob were in it.
fn ended(ladder: Ladder) -> Ladder {
    ladder.founded("alice", "ended").joined("alice", "ended", "bob").given(did(
        "alice",
        "DELETE /v1/groups/$ended",
        Value::Null,
    ))
}

ladders! {
    what_a_send_looks_like = sending("wire §5.1, §5.2")
        .limit("content_bytes=64")
        .given(said("alice", "bob", "said-before"))
        .text("[]")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "to": 1, "conversation_id": 2, "client_msg_id": 3, "type": 4, "content": 5, "metadata": 6 }))
        .invalid("every field has its type", &["client_msg_id", "content", "conversation_id", "metadata", "to", "type"])
        .body(json!({ "client_msg_id": "sys_x", "type": "system", "content": {}, "metadata": [] }))
        .invalid("what the platform alone may say, and nothing said", &["client_msg_id", "content", "metadata", "type"])
        .body(json!({ "to": "bob", "conversation_id": "conv_x", "client_msg_id": "m", "content": { "text": "x" } }))
        .invalid("to or a conversation, not both", &[])
        .body(json!({ "client_msg_id": "m", "content": { "text": "x" } }))
        .invalid("to or a conversation, not neither", &[])
        .body(json!({ "conversation_id": "msg_x", "client_msg_id": "m", "content": { "text": "x" } }))
        .invalid("a conversation begins with conv_ or grp_", &["conversation_id"])
        .body(json!({ "to": "bob", "client_msg_id": "", "content": { "text": "x" } }))
        .invalid("an id has 1 to 128 characters", &["client_msg_id"])
        .text(&format!(
            r#"{{"to":"bob","client_msg_id":"m","content":{{"data":{}1{}}}}}"#,
            r#"{"a":"#.repeat(64),
            "}".repeat(64)
        ))
        .invalid("content nests 64 levels at most", &["content"])
        .body(json!({ "to": "nobody-here", "content": { "text": "x".repeat(60) } }))
        .invalid("the client's id is required", &["client_msg_id"])
        .header("Idempotency-Key", "no")
        .refused("the key that would supply it is malformed", ErrorCode::IdempotencyKeyInvalid)
        .header("Idempotency-Key", "said-before")
        .refused_with(
            "content and metadata have their size",
            ErrorCode::ContentTooLarge,
            &[("limit", json!(64)), ("size", json!(71))],
        )
        .body(json!({ "to": "nobody-here", "content": { "text": "said-before" } }))
        .refused("the id was used for another target", ErrorCode::IdempotencyKeyConflict)
        .body(json!({ "to": "bob", "content": { "text": "something else" } }))
        .refused("the id was used for another payload", ErrorCode::IdempotencyKeyConflict)
        .body(json!({ "to": "@Bob", "content": { "text": "said-before" } }))
        .answers("the same again is a replay", 200, SENT)
        .headed("idempotent-replay", "true");

    to_an_agent = sending("wire §5.4")
        .cast(&["alice", "bob", "carol", "dave", "erin"])
        .limit("cold_cap=2")
        .limit("backlog_hard=2")
        .limit("send=2/3600")
        .limit("restrict_blocks=1")
        // Everything is wrong: alice waits for an answer of bob, who wants neither her nor strangers, and is away.
        .given(said("alice", "bob", "unanswered"))
        .given(said("alice", "carol", "annoys carol"))
        .given(did("carol", "POST /v1/contacts/alice/block", Value::Null))
        .given(said("carol", "dave", "fills dave"))
        .given(said("erin", "dave", "fills dave too"))
        .given(said("erin", "alice", "asks alice"))
        .given(did("bob", "PATCH /v1/agents/bob", json!({ "settings": { "inbox_mode": "contacts_only" } })))
        .given(did("bob", "POST /v1/contacts/alice/block", Value::Null))
        .given(suspended("bob"))
        .given(Standing::Paused("alice", PausedByOwner::Send))
        .body(to("-"))
        .refused("1: a malformed handle is nobody's", ErrorCode::AgentNotFound)
        .body(to("bob"))
        .refused("1: suspended accounts are nobody", ErrorCode::AgentNotFound)
        .body(to("@Alice"))
        .refused("2: not to oneself", ErrorCode::ValidationError)
        .body(to("bob"))
        .given(reinstated("bob"))
        .refused_with("3: a paused sender", ErrorCode::AgentPausedByOwner, &[("mode", json!("send"))])
        .given(Standing::Paused("alice", PausedByOwner::None))
        .refused("4: a block, in either direction", ErrorCode::Blocked)
        .given(did("bob", "DELETE /v1/contacts/alice/block", Value::Null))
        .refused("5: a restricted sender opens no conversation", ErrorCode::Restricted)
        .given(did("carol", "DELETE /v1/contacts/alice/block", Value::Null))
        .given(Deed::Wait(60_000))
        .given(said("alice", "erin", "spends the policy"))
        .given(said("alice", "erin", "all of it"))
        .refused_with("6: contacts only", ErrorCode::InboxRestricted, &[("handle", json!("bob"))])
        .given(befriended("bob", "alice"))
        .refused_with(
            "7: unanswered",
            ErrorCode::AwaitingReply,
            &[("recipient_handle", json!("bob")), ("waiting_since", json!("2026-01-15T09:30:00.000Z"))],
        )
        // Dave is new to alice, and full.
        .body(to("dave"))
        .refused_with(
            "8: policy send",
            ErrorCode::RateLimited,
            &[("reason", json!("send")), ("limit", json!(2)), ("window_s", json!(3_600))],
        )
        .given(Deed::Wait(3_600_000))
        .refused_with(
            "9: cold outreach",
            ErrorCode::RateLimited,
            &[("reason", json!("cold_outreach_cap")), ("limit", json!(2)), ("window_s", json!(86_400))],
        )
        .given(said("bob", "alice", "answers"))
        .refused("10: an attachment that is not the sender's", ErrorCode::AttachmentNotFound)
        .given(slot(json!({ "to": "erin" })))
        .body(with_the_file(json!({ "to": "dave" })))
        .refused("10: an attachment for somebody else", ErrorCode::AttachmentWrongScope)
        .given(slot(json!({ "to": "dave" })))
        .refused("10: an attachment whose bytes are not there", ErrorCode::AttachmentNotReady)
        .given(filled())
        .refused("11: a full inbox, with the attachment", ErrorCode::RecipientBacklogged)
        .body(json!({ "to": "dave", "client_msg_id": "m-1", "content": { "text": "x" } }))
        .refused_with(
            "11: a full inbox",
            ErrorCode::RecipientBacklogged,
            &[("recipient_handle", json!("dave")), ("undelivered_count", json!(2)), ("retry_after_ms", json!(60_000))],
        )
        .given(did("dave", "GET /v1/messages/sync", Value::Null).keep("delivery", "/0/delivery_id"))
        .given(did("dave", "POST /v1/messages/sync/ack", json!({ "last_delivery_id": "$delivery" })))
        .answers("12: stored", 201, SENT)
        .having("/seq", 1)
        .having("/status", "stored")
        .answers("again: a replay", 200, SENT)
        .headed("idempotent-replay", "true");

    a_runaway_conversation = sending("extensions X2, X3")
        .limit("send=2/3600")
        .limit("loop=1/600")
        .given(said("alice", "bob", "ping"))
        .given(said("bob", "alice", "pong, a quick reply"))
        .given(said("bob", "alice", "nobody answers oneself"))
        .by("bob")
        .body(json!({ "to": "alice", "client_msg_id": "m-1", "expires_at": "soon",
            "content": { "text": "x", "attachment_id": "att_x" } }))
        .invalid("a message expires at a time", &["expires_at"])
        .body(json!({ "to": "alice", "client_msg_id": "m-1", "content": { "text": "x", "attachment_id": "att_x" } }))
        .refused_with("policy send is first", ErrorCode::RateLimited, &[("reason", json!("send"))])
        .by("alice")
        .body(json!({ "to": "bob", "client_msg_id": "m-1", "content": { "text": "x", "attachment_id": "att_x" } }))
        .refused_with(
            "another quick reply",
            ErrorCode::RateLimited,
            &[("reason", json!("loop_guard")), ("limit", json!(1)), ("window_s", json!(600))],
        )
        .given(Deed::Wait(600_000))
        .refused("10: an attachment that is not the sender's", ErrorCode::AttachmentNotFound)
        .body(json!({ "to": "bob", "client_msg_id": "m-1", "content": { "text": "x" },
            "expires_at": "2026-03-15T09:30:00Z" }))
        .invalid("it expires within 30 days", &["expires_at"])
        .body(json!({ "to": "bob", "client_msg_id": "m-1", "content": { "text": "x" },
            "expires_at": "2026-01-15T09:39:59Z" }))
        .invalid("and not in the past", &["expires_at"])
        .body(json!({ "to": "bob", "client_msg_id": "m-1", "content": { "text": "x" },
            "expires_at": "2026-01-15T10:00:00Z" }))
        .answers("slowly", 201, SENT)
        .having("/expires_at", "2026-01-15T10:00:00.000Z");

    into_a_direct_conversation = sending("wire §5.2, step 5")
        .cast(&["alice", "bob", "carol"])
        .given(kept(said("bob", "carol", "between others")))
        .body(into("conv_00000000000000000000000000"))
        .refused("no such conversation", ErrorCode::ConversationNotFound)
        .body(into("conv_x"))
        .refused("nor can it be", ErrorCode::ConversationNotFound)
        .body(into("$conversation"))
        .refused("somebody else's", ErrorCode::ConversationNotFound)
        .by("bob")
        .refused("the rules of §5.4 hold", ErrorCode::AwaitingReply)
        .by("carol")
        .answers("an answer", 201, SENT)
        .having("/seq", 2);

    into_a_group = ended(sending("wire §5.5"))
        .cast(&["alice", "bob", "carol"])
        .limit("send=2/3600")
        .limit("group_send=1/3600")
        .limit("backlog_hard=2")
        .founded("alice", "group")
        .joined("alice", "group", "bob")
        .given(Standing::Paused("bob", PausedByOwner::Full))
        .by("carol")
        .body(into("grp_x"))
        .refused("1: no such group", ErrorCode::GroupNotFound)
        .body(into("$ended"))
        .refused("1: a deleted group tells strangers nothing", ErrorCode::GroupNotFound)
        .body(into("$group"))
        .refused("1: not a member", ErrorCode::GroupNotFound)
        .by("bob")
        .body(into("$ended"))
        .refused_with("1: a former participant", ErrorCode::GroupDeleted, &[("deleted_by_handle", json!("alice"))])
        .body(into("$group"))
        .refused_with("2: a paused sender", ErrorCode::AgentPausedByOwner, &[("mode", json!("full"))])
        .given(Standing::Paused("bob", PausedByOwner::None))
        .given(did(
            "bob",
            "POST /v1/messages",
            json!({ "to": "carol", "client_msg_id": "1", "content": { "text": "x" } }),
        ))
        .given(did(
            "bob",
            "POST /v1/messages",
            json!({ "conversation_id": "$group", "client_msg_id": "2", "content": { "text": "x" } }),
        ))
        .body(json!({ "conversation_id": "$group", "client_msg_id": "m", "content": { "attachment_id": "att_x" } }))
        .refused_with("3: policy send", ErrorCode::RateLimited, &[("reason", json!("send"))])
        .by("alice")
        .refused_with(
            "3: policy group_send, of all its senders",
            ErrorCode::RateLimited,
            &[("reason", json!("group_send"))],
        )
        .given(Deed::Wait(3_600_000))
        .refused("4: an attachment that is not the sender's", ErrorCode::AttachmentNotFound)
        .given(slot(json!({ "to": "bob" })))
        .body(with_the_file(json!({ "conversation_id": "$group" })))
        .refused("4: an attachment for somebody else", ErrorCode::AttachmentWrongScope)
        .given(slot(json!({ "conversation_id": "$group" })))
        .refused("4: an attachment whose bytes are not there", ErrorCode::AttachmentNotReady)
        .given(filled())
        .body(into("$group"))
        .answers("5: stored", 201, SENT)
        .given(Deed::Wait(3_600_000))
        .body(json!({ "conversation_id": "$group", "client_msg_id": "m-2", "content": { "text": "x" } }))
        .answers("a member whose inbox is full is left out", 201, SENT)
        .having("/skipped_recipients", json!(["bob"]));

    history = ended(agent("wire §7.1", "GET /v1/messages/{conversation_id}"))
        .cast(&["alice", "bob", "carol"])
        .given(said("carol", "bob", "elsewhere").keep("elsewhere", "/id").keep("foreign", "/conversation_id"))
        .given(kept(said("alice", "bob", "hello")))
        .at("conversation_id", "$ended")
        .query("limit=0&before_seq=x&after_seq=-1")
        .invalid("numbers are whole and not negative", &["after_seq", "before_seq", "limit"])
        .query("before_seq=1&around_message_id=$elsewhere")
        .invalid("one cursor at most", &[])
        .query("around_message_id=$elsewhere")
        .refused("a group that ended", ErrorCode::GroupDeleted)
        .at("conversation_id", "grp_00000000000000000000000000")
        .refused("no such group", ErrorCode::ConversationNotFound)
        .at("conversation_id", "$foreign")
        .refused("somebody else's conversation", ErrorCode::ConversationNotFound)
        .at("conversation_id", "$conversation")
        .refused("the anchor is not in it", ErrorCode::MessageNotFound)
        .query("around_message_id=msg_x")
        .refused("the anchor is nowhere", ErrorCode::MessageNotFound)
        .query("around_message_id=$message&limit=&before_seq=")
        .answers("the rows that end at it", 200, "[HistoryRow]")
        .having("/0/is_own", true)
        .having("/0/delivery_id", Value::Null)
        .by("bob")
        .query("limit=1000")
        .answers("the recipient's row", 200, "[HistoryRow]")
        .having("/0/is_own", false);

    read = agent("wire §7.2", "POST /v1/messages/{message_id}/read")
        .cast(&["alice", "bob", "carol"])
        .given(kept(said("alice", "bob", "hello")))
        .at("message_id", "msg_x")
        .refused("no such message", ErrorCode::MessageNotFound)
        .at("message_id", "$message")
        .refused("an own message has no envelope", ErrorCode::MessageNotFound)
        .by("carol")
        .refused("somebody else's message", ErrorCode::MessageNotFound)
        .by("bob")
        .answers("the viewer's row", 200, "{..Message, ok}")
        .having("/status", "read")
        .answers("again: the same", 200, "{..Message, ok}");

    hide = agent("wire §7.3", "DELETE /v1/messages/{message_id}")
        .cast(&["alice", "bob", "carol"])
        .given(kept(said("alice", "bob", "hello")))
        .at("message_id", "msg_x")
        .refused("no such message", ErrorCode::MessageNotFound)
        .by("carol")
        .at("message_id", "$message")
        .refused("somebody else's message", ErrorCode::MessageNotFound)
        .by("alice")
        .answers("out of the own view", 200, "{ok, message}")
        .having("/message", "Message hidden from your view")
        .answers("again: the same", 200, "{ok, message}");
}
