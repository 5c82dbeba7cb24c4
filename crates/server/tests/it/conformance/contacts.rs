//! wire.md §10: contacts, blocks, reports.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{Ladder, agent, ladders};
use super::world::{Deed, befriended, did, suspended};

/// Where bob is an active contact of alice's, and dave suspended.
fn knowing(endpoint: &'static str) -> Ladder {
    agent("wire §10", endpoint)
        .cast(&["alice", "bob", "carol", "dave"])
        .given(befriended("alice", "bob"))
        .given(suspended("dave"))
        .given(Deed::SystemAgent("herald"))
}

ladders! {
    add = knowing("POST /v1/contacts")
        .given(did("alice", "PATCH /v1/contacts/bob", json!({ "notes": "kept" })))
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "handle": 1 }))
        .invalid("the handle is a text", &["handle"])
        .body(json!({ "handle": null }))
        .invalid("the handle is required", &["handle"])
        .body(json!({ "handle": "-" }))
        .refused("a malformed handle is nobody's", ErrorCode::AgentNotFound)
        .body(json!({ "handle": "dave" }))
        .refused("suspended accounts are nobody", ErrorCode::AgentNotFound)
        .body(json!({ "handle": "@Alice" }))
        .refused("not oneself", ErrorCode::ValidationError)
        .body(json!({ "handle": "@Carol" }))
        .answers("a new contact", 201, "Contact")
        .having("/handle", "carol")
        .having("/notes", Value::Null)
        .body(json!({ "handle": "bob" }))
        .answers("a contact already: what it was is kept", 201, "Contact")
        .having("/notes", "kept");

    list = knowing("GET /v1/contacts")
        .query("limit=0&offset=-1")
        .invalid("numbers are in range", &["limit", "offset"])
        .query("limit=x&offset=1.5")
        .invalid("numbers are whole", &["limit", "offset"])
        .query("limit=1000")
        .answers(
            "above the maximum is clamped",
            200,
            "{contacts: [Contact], items: [Contact], total: int, limit: int, offset: int}",
        )
        .having("/limit", 100)
        .having("/total", 1)
        .having("/contacts/0/handle", "bob")
        .having("/items/0/handle", "bob")
        .given(suspended("bob"))
        .query("")
        .answers(
            "contacts of every status",
            200,
            "{contacts: [Contact], items: [Contact], total: int, limit: int, offset: int}",
        )
        .having("/limit", 50)
        .having("/contacts/0/status", "suspended")
        .query("offset=1")
        .answers("beyond the end", 200, "{contacts: [Contact], items: [Contact], total: int, limit: int, offset: int}")
        .having("/total", 1)
        .having("/contacts", json!([]));

    check = knowing("GET /v1/contacts/{handle}")
        .at("handle", "-")
        .answers("never 404", 200, "{is_contact: bool, added_at|null, notes|null}")
        .having("", json!({ "is_contact": false, "added_at": null, "notes": null }))
        .at("handle", "carol")
        .answers("somebody else", 200, "{is_contact: bool, added_at|null, notes|null}")
        .having("/is_contact", false)
        .at("handle", "@Bob")
        .answers("a contact", 200, "{is_contact: bool, added_at, notes|null}")
        .having("/is_contact", true);

    note = knowing("PATCH /v1/contacts/{handle}")
        .at("handle", "carol")
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "notes": 1 }))
        .invalid("notes are a text", &["notes"])
        .body(json!({ "notes": "x".repeat(1_001) }))
        .invalid("notes have their length", &["notes"])
        .body(json!({ "notes": "one\ntwo" }))
        .refused("no contact", ErrorCode::NotFound)
        .at("handle", "nobody-here")
        .refused("nobody at all", ErrorCode::NotFound)
        .at("handle", "bob")
        .answers("kept", 200, "{ok}")
        .body(json!({ "notes": null }))
        .answers("null clears", 200, "{ok}")
        .body(json!({}))
        .answers("so does nothing", 200, "{ok}");

    remove = knowing("DELETE /v1/contacts/{handle}")
        .at("handle", "nobody-here")
        .refused("nobody at all", ErrorCode::NotFound)
        .at("handle", "carol")
        .refused("no contact", ErrorCode::NotFound)
        .at("handle", "bob")
        .given(suspended("bob"))
        .answers("a contact of any status", 200, "{ok}")
        .refused("once", ErrorCode::NotFound);

    blocked = knowing("GET /v1/contacts/blocked")
        .given(did("alice", "POST /v1/contacts/carol/block", Value::Null))
        .query("limit=0&offset=-1")
        .invalid("numbers are in range", &["limit", "offset"])
        .query("limit=1000&offset=")
        .answers("newest first", 200, "{blocked: [BlockedAgent], total: int, limit: int, offset: int}")
        .having("/limit", 100)
        .having("/total", 1)
        .having("/blocked/0/handle", "carol");

    block = knowing("POST /v1/contacts/{handle}/block")
        .at("handle", "nobody-here")
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .at("handle", "dave")
        .refused("suspended accounts are nobody", ErrorCode::AgentNotFound)
        .at("handle", "@Alice")
        .refused("not oneself", ErrorCode::ValidationError)
        .at("handle", "herald")
        .refused("system agents cannot be blocked", ErrorCode::SystemAgentProtected)
        .at("handle", "@Bob")
        .answers("blocked", 200, "{ok}")
        .answers("again: the same", 200, "{ok}");

    unblock = knowing("DELETE /v1/contacts/{handle}/block")
        .given(did("alice", "POST /v1/contacts/bob/block", Value::Null))
        .at("handle", "nobody-here")
        .refused("nobody at all", ErrorCode::NotFound)
        .at("handle", "carol")
        .refused("not blocked", ErrorCode::NotFound)
        .at("handle", "bob")
        .given(suspended("bob"))
        .answers("an account of any status", 200, "{ok}")
        .refused("once", ErrorCode::NotFound);

    report = knowing("POST /v1/contacts/{handle}/report")
        .given(did("alice", "POST /v1/contacts/bob/report", Value::Null))
        .at("handle", "nobody-here")
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "reason": 1 }))
        .invalid("the reason is a text", &["reason"])
        .body(json!({ "reason": "x".repeat(1_001) }))
        .invalid("the reason has its length", &["reason"])
        .body(json!({ "reason": "spam" }))
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .at("handle", "@Alice")
        .refused("not oneself", ErrorCode::ValidationError)
        .at("handle", "herald")
        .refused("system agents cannot be reported", ErrorCode::SystemAgentProtected)
        .at("handle", "bob")
        .refused("once for ever", ErrorCode::AlreadyReported)
        .at("handle", "carol")
        .answers("reported, and blocked", 200, "{ok}");
}
