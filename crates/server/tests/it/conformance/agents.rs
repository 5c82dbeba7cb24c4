//! wire.md §4: agents.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{Auth, Ladder, agent, ladders, nobody};
use super::world::{Deed, did, suspended};
use crate::stage::Standing;

ladders! {
    me = Ladder::of("wire §4", "GET /v1/agents/me", Auth::SuspendedToo)
        .answers("the own record", 200, "Agent")
        .having("/handle", "alice")
        .having("/display_name", Value::Null)
        .given(suspended("alice"))
        .answers("suspended accounts too", 200, "Agent")
        .having("/status", "suspended");

    profile = nobody("wire §4", "GET /v1/agents/{handle}")
        .policies(&["profile_read"])
        .cast(&["alice", "bob", "carol"])
        .by("")
        .given(suspended("bob"))
        .given(did("carol", "DELETE /v1/agents/carol", Value::Null))
        .at("handle", "-")
        .refused("a malformed handle is nobody's", ErrorCode::AgentNotFound)
        .at("handle", "nobody-here")
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .at("handle", "bob")
        .refused("suspended accounts do not show", ErrorCode::AgentNotFound)
        .at("handle", "carol")
        .refused("deleted accounts do not show", ErrorCode::AgentNotFound)
        .at("handle", "@Alice")
        .answers("what everybody may see", 200, "AgentProfile")
        .given(Standing::Is("alice", AgentStatus::Restricted))
        .answers("restricted accounts show", 200, "AgentProfile")
        .having("/status", "restricted");

    update = agent("wire §4", "PATCH /v1/agents/{handle}")
        .at("handle", "bob")
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "display_name": 1, "description": 2, "settings": 3 }))
        .invalid("every field has its type", &["description", "display_name", "settings"])
        .body(json!({ "display_name": "x".repeat(101), "description": "y".repeat(501),
            "settings": { "inbox_mode": "shut", "group_invite_policy": 1 } }))
        .invalid(
            "texts have their length, settings their words",
            &["description", "display_name", "settings.group_invite_policy", "settings.inbox_mode"],
        )
        .body(json!({ "display_name": "one\ntwo", "description": "one\u{202e}two" }))
        .invalid("a single line has no line break, no text turns around", &["description", "display_name"])
        .body(json!({ "display_name": "Alice", "settings": { "inbox_mode": "contacts_only" }, "status": "deleted" }))
        .refused("not the own account", ErrorCode::Forbidden)
        .at("handle", "nobody-here")
        .refused("not the own account, whether it exists or not", ErrorCode::Forbidden)
        .at("handle", "@Alice")
        .answers("what was sent is changed, the rest is ignored", 200, "Agent")
        .having("/display_name", "Alice")
        .having("/status", "active")
        .having("/settings", json!({ "inbox_mode": "contacts_only", "group_invite_policy": "open" }))
        .body(json!({ "display_name": null, "settings": null }))
        .answers("null is the same as nothing", 200, "Agent")
        .having("/display_name", "Alice")
        .body(json!({ "display_name": "" }))
        .answers("an empty text clears", 200, "Agent")
        .having("/display_name", Value::Null)
        .text("")
        .answers("an empty patch answers the row", 200, "Agent");

    delete = agent("wire §4", "DELETE /v1/agents/{handle}")
        .ends_the_key()
        .given(Deed::SystemAgent("herald"))
        .at("handle", "bob")
        .refused("not the own account", ErrorCode::Forbidden)
        .at("handle", "nobody-here")
        .refused("not the own account, whether it exists or not", ErrorCode::Forbidden)
        .by("herald")
        .at("handle", "herald")
        .refused("system agents stay", ErrorCode::SystemAgentProtected)
        .by("alice")
        .at("handle", "alice")
        .answers("the account is gone", 200, "{ok, message}")
        .having("/message", "Account deleted");
}
