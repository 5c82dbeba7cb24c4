//! wire.md §12: mutes.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{agent, ladders};
use super::world::{Deed, did, said};

ladders! {
    mute_agent = agent("wire §12", "POST /v1/mutes")
        .policies(&["mute_write"])
        .given(Deed::SystemAgent("herald"))
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "target_kind": "planet", "target_handle": 1, "target_id": 2, "muted_until": "soon" }))
        .invalid("every field has its type", &["muted_until", "target_handle", "target_id", "target_kind"])
        .body(json!({ "target_handle": "nobody-here" }))
        .invalid("the kind is required", &["target_kind"])
        .body(json!({ "target_kind": "agent", "target_handle": "nobody-here", "muted_until": "2026-01-15T09:30:00Z" }))
        .invalid("the time is in the future", &["muted_until"])
        .body(json!({ "target_kind": "agent" }))
        .refused("a target is missing", ErrorCode::ValidationError)
        .body(json!({ "target_kind": "agent", "target_handle": "nobody-here" }))
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .body(json!({ "target_kind": "agent", "target_handle": "@Alice" }))
        .refused("not oneself", ErrorCode::SelfMute)
        .body(json!({ "target_kind": "agent", "target_handle": "@Bob", "muted_until": null }))
        .answers("without an end", 201, "Mute")
        .having("/target_id", "bob")
        .having("/target_handle", "bob")
        .having("/muted_until", Value::Null)
        .body(json!({ "target_kind": "agent", "target_id": "bob", "muted_until": "2026-01-15T12:30:00+02:00" }))
        .answers("a repeat refreshes the end; any offset will do", 201, "Mute")
        .having("/muted_until", "2026-01-15T10:30:00.000Z")
        .body(json!({ "target_kind": "agent", "target_handle": "herald" }))
        .answers("system agents too", 201, "Mute");

    mute_conversation = agent("wire §12", "POST /v1/mutes")
        .cast(&["alice", "bob", "carol"])
        .given(said("carol", "bob", "hi").keep("foreign", "/conversation_id"))
        .given(said("alice", "bob", "hello").keep("conversation", "/conversation_id"))
        .founded("alice", "ended")
        .given(did("alice", "DELETE /v1/groups/$ended", Value::Null))
        .body(json!({ "target_kind": "conversation", "target_handle": "bob" }))
        .refused("a target is missing", ErrorCode::ValidationError)
        .body(json!({ "target_kind": "conversation", "target_id": "$ended" }))
        .refused("a group that ended", ErrorCode::GroupDeleted)
        .by("bob")
        .refused("a deleted group tells strangers nothing", ErrorCode::ConversationNotFound)
        .by("alice")
        .body(json!({ "target_kind": "conversation", "target_id": "$foreign" }))
        .refused("somebody else's conversation", ErrorCode::ConversationNotFound)
        .body(json!({ "target_kind": "conversation", "target_id": "x" }))
        .refused("no such conversation", ErrorCode::ConversationNotFound)
        .body(json!({ "target_kind": "conversation", "target_id": "$conversation" }))
        .answers("muted", 201, "Mute")
        .having("/target_kind", "conversation")
        .having("/target_handle", Value::Null);

    list = agent("wire §12", "GET /v1/mutes")
        .given(said("alice", "bob", "hello").keep("conversation", "/conversation_id"))
        .given(did("alice", "POST /v1/mutes", json!({ "target_kind": "agent", "target_handle": "bob" })))
        .given(Deed::Wait(1_000))
        .given(did(
            "alice",
            "POST /v1/mutes",
            json!({ "target_kind": "conversation", "target_id": "$conversation",
            "muted_until": "2026-01-15T10:00:00.000Z" }),
        ))
        .query("kind=planet")
        .invalid("the kind is agent or conversation", &["kind"])
        .query("kind=")
        .answers("newest first", 200, "{mutes: [Mute]}")
        .having("/mutes/0/target_kind", "conversation")
        .having("/mutes/1/target_kind", "agent")
        .query("kind=agent")
        .answers("one kind", 200, "{mutes: [Mute]}")
        .having("/mutes/0/target_id", "bob")
        .query("kind=conversation")
        .given(Deed::Wait(3_600_000))
        .answers("an expired one is left out", 200, "{mutes: [Mute]}")
        .having("/mutes", json!([]));

    show_agent = agent("wire §12", "GET /v1/mutes/agent/{handle}")
        .at("handle", "nobody-here")
        .refused("nobody has the handle", ErrorCode::NotFound)
        .at("handle", "@Bob")
        .refused("not muted", ErrorCode::NotFound)
        .given(did(
            "alice",
            "POST /v1/mutes",
            json!({ "target_kind": "agent", "target_handle": "bob",
            "muted_until": "2026-01-15T09:30:00.001Z" }),
        ))
        .given(Deed::Wait(1))
        .refused("expired", ErrorCode::NotFound)
        .given(did("alice", "POST /v1/mutes", json!({ "target_kind": "agent", "target_handle": "bob" })))
        .answers("muted", 200, "Mute");

    show_conversation = agent("wire §12", "GET /v1/mutes/conversation/{id}")
        .given(said("alice", "bob", "hello").keep("conversation", "/conversation_id"))
        .at("id", "x")
        .refused("no such conversation", ErrorCode::NotFound)
        .at("id", "$conversation")
        .refused("not muted", ErrorCode::NotFound)
        .given(did("bob", "POST /v1/mutes", json!({ "target_kind": "conversation", "target_id": "$conversation" })))
        .refused("not muted by the caller", ErrorCode::NotFound)
        .given(did("alice", "POST /v1/mutes", json!({ "target_kind": "conversation", "target_id": "$conversation" })))
        .answers("muted", 200, "Mute");

    unmute_agent = agent("wire §12", "DELETE /v1/mutes/agent/{handle}")
        .policies(&["mute_write"])
        .at("handle", "nobody-here")
        .refused("nobody has the handle", ErrorCode::NotFound)
        .at("handle", "@Bob")
        .refused("not muted", ErrorCode::NotFound)
        .given(did(
            "alice",
            "POST /v1/mutes",
            json!({ "target_kind": "agent", "target_handle": "bob",
            "muted_until": "2026-01-15T09:30:00.001Z" }),
        ))
        .given(Deed::Wait(1))
        .answers("an expired one counts as existing", 200, "{ok}")
        .refused("once", ErrorCode::NotFound);

    unmute_conversation = agent("wire §12", "DELETE /v1/mutes/conversation/{id}")
        .policies(&["mute_write"])
        .given(said("alice", "bob", "hello").keep("conversation", "/conversation_id"))
        .at("id", "x")
        .refused("no such conversation", ErrorCode::NotFound)
        .at("id", "$conversation")
        .refused("not muted", ErrorCode::NotFound)
        .given(did("alice", "POST /v1/mutes", json!({ "target_kind": "conversation", "target_id": "$conversation" })))
        .answers("unmuted", 200, "{ok}")
        .refused("once", ErrorCode::NotFound);
}
