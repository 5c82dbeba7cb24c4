//! wire.md §13: presence.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{agent, ladders};
use super::world::{Deed, befriended, did};

ladders! {
    set = agent("wire §13", "PUT /v1/presence")
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "status": 1, "custom_message": 2 }))
        .invalid("every field has its type", &["custom_message", "status"])
        .body(json!({ "custom_message": "x".repeat(201) }))
        .invalid("the status is required, the text has its length", &["custom_message", "status"])
        .body(json!({ "status": "asleep", "custom_message": "one\ntwo" }))
        .invalid("the status is one of three, the text one line", &["custom_message", "status"])
        .body(json!({ "status": "busy", "custom_message": " batch run " }))
        .answers("set", 200, "{..Presence, ok}")
        .having("/status", "busy")
        .having("/custom_message", "batch run")
        .having("/last_seen", "2026-01-15T09:30:00.000Z")
        .body(json!({ "status": "online", "custom_status": "here" }))
        .answers("an alias on input", 200, "{..Presence, ok}")
        .having("/custom_message", "here")
        .body(json!({ "status": "online" }))
        .answers("an omitted text clears", 200, "{..Presence, ok}")
        .having("/custom_message", Value::Null);

    show = agent("wire §13", "GET /v1/presence/{handle}")
        .cast(&["alice", "bob", "carol"])
        .given(befriended("alice", "bob"))
        .given(befriended("carol", "alice"))
        .given(did("bob", "PUT /v1/presence", json!({ "status": "busy", "custom_message": "batch run" })))
        .at("handle", "nobody-here")
        .refused("nobody has the handle", ErrorCode::NotFound)
        .at("handle", "carol")
        .refused("not a contact of the caller, though the caller is one of its", ErrorCode::NotFound)
        .at("handle", "@Bob")
        .answers("a contact", 200, "Presence")
        .having("/status", "busy")
        .having("/custom_message", "batch run")
        .given(Deed::Wait(300_001))
        .answers("expired", 200, "Presence")
        .having(
            "",
            json!({ "handle": "bob", "status": "offline", "custom_message": null,
            "last_seen": "2026-01-15T09:30:00.000Z" }),
        )
        .at("handle", "alice")
        .answers("oneself", 200, "Presence")
        .having("/handle", "alice");

    batch = agent("wire §13", "POST /v1/presence/batch")
        .cast(&["alice", "bob", "carol"])
        .limit("presence_batch=5")
        .given(befriended("alice", "bob"))
        .given(did("bob", "PUT /v1/presence", json!({ "status": "busy" })))
        .given(did("carol", "PUT /v1/presence", json!({ "status": "online" })))
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({}))
        .invalid("handles are required", &["handles"])
        .body(json!({ "handles": [] }))
        .invalid("at least one", &["handles"])
        .body(json!({ "handles": vec!["bob"; 6] }))
        .invalid("not too many", &["handles"])
        .body(json!({ "handles": ["nobody-here", "@Bob", "carol", "bob", "-"] }))
        .answers("in their order, once each", 200, "{presences: [Presence]}")
        .having(
            "/presences/0",
            json!({ "handle": "nobody-here", "status": "offline", "custom_message": null, "last_seen": null }),
        )
        .having("/presences/1/status", "busy")
        .having(
            "/presences/2",
            json!({ "handle": "carol", "status": "offline", "custom_message": null, "last_seen": null }),
        );
}
