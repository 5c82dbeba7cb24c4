//! wire.md §22: the operator's endpoints.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{Ladder, ladders, operator};
use super::world::{Deed, did, said};

ladders! {
    create = operator("wire §22, §3.2", "POST /admin/agents")
        .limit("emails_live=1")
        .limit("emails_lifetime=1")
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "email": 1, "handle": 2, "display_name": 3, "description": 4 }))
        .invalid("every field has its type", &["description", "display_name", "email", "handle"])
        .body(json!({ "email": "alice@example.com", "handle": "-" }))
        .refused_with("the handle is malformed", ErrorCode::InvalidHandle, &[("reason", json!("format"))])
        .body(json!({ "email": "alice@example.com", "handle": "blocked" }))
        .refused_with("the handle is reserved", ErrorCode::InvalidHandle, &[("reason", json!("reserved"))])
        .body(json!({ "email": "alice@example.com", "handle": "bob" }))
        .refused("somebody has the handle", ErrorCode::HandleTaken)
        .body(json!({ "email": "alice@example.com", "handle": "carol" }))
        .refused("the e-mail backs its maximum of live agents", ErrorCode::EmailLimitReached)
        .given(did("alice", "DELETE /v1/agents/alice", Value::Null))
        .refused("the e-mail used up its registrations", ErrorCode::EmailExhausted)
        .body(json!({ "email": "carol@example.com", "handle": "@Carol", "display_name": "Carol" }))
        .answers("an agent without mail", 201, "{agent: Agent, api_key}")
        .having("/agent/handle", "carol")
        .having("/agent/display_name", "Carol");

    list = operator("wire §22", "GET /admin/agents")
        .given(said("alice", "bob", "hello"))
        .query("status=gone&limit=0&offset=-1")
        .invalid("words and numbers are in range", &["limit", "offset", "status"])
        .query("status=active&limit=x&offset=y")
        .invalid("numbers are numbers", &["limit", "offset"])
        .query("q=@Bob&limit=1000")
        .answers("by the begin of the handle", 200, "{agents: [OperatorAgent], total: int, limit: int, offset: int}")
        .having("/total", 1)
        .having("/limit", 200)
        .having("/agents/0/undelivered_count", 1)
        .having("/agents/0/owner_email", Value::Null);

    show = operator("wire §22", "GET /admin/agents/{handle}")
        .at("handle", "-")
        .refused("a malformed handle is nobody's", ErrorCode::AgentNotFound)
        .at("handle", "nobody-here")
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .at("handle", "@Alice")
        .answers("one agent", 200, "OperatorAgent")
        .having("/handle", "alice");

    delete = operator("wire §22", "DELETE /admin/agents/{handle}")
        .given(Deed::SystemAgent("herald"))
        .at("handle", "nobody-here")
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .at("handle", "herald")
        .refused("system agents stay", ErrorCode::SystemAgentProtected)
        .at("handle", "@Alice")
        .answers("gone", 200, "{ok, message?}")
        .refused("once", ErrorCode::AgentNotFound);

    suspend = operator("wire §22", "POST /admin/agents/{handle}/suspend")
        .given(Deed::SystemAgent("herald"))
        .at("handle", "nobody-here")
        .text("[")
        .refused("a body is one JSON object", ErrorCode::ValidationError)
        .body(json!({ "reason": 1 }))
        .invalid("the reason is a text", &["reason"])
        .text("")
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .at("handle", "herald")
        .refused("system agents are never suspended", ErrorCode::SystemAgentProtected)
        .at("handle", "@Alice")
        .answers("suspended", 200, "{handle, status: suspended}")
        .having("/handle", "alice")
        .answers("again: the same", 200, "{handle, status: suspended}");

    reinstate = operator("wire §22", "POST /admin/agents/{handle}/reinstate")
        .given(did("operator", "POST /admin/agents/alice/suspend", Value::Null))
        .at("handle", "nobody-here")
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .at("handle", "@Alice")
        .answers("active again", 200, "{handle, status: active}")
        .having("/handle", "alice");

    stats = operator("wire §22", "GET /admin/stats").answers(
        "counts of everything",
        200,
        "{agents: {active: int, restricted: int, suspended: int, deleted: int}, conversations: int, messages: int,
              stored_envelopes: int, sockets: int, webhook_queue: int, nodes: [{here: bool, version|null, sockets|null: int, agents: int, heard_at|null, bus?}],
              retention?: {last_run_at|null, messages: int, attachments: int, next_run_at|null},
              store: {engine: sqlite/postgres, bytes: int, log_bytes: int}}",
    );

    escalations = reported("GET /admin/support-escalations")
        .query("status=lost&limit=0&before=yesterday")
        .invalid("words, numbers and times are what they are", &["before", "limit", "status"])
        .query("limit=1000")
        .answers("open and in progress, newest first", 200, "{escalations: [Escalation]}")
        .having("/escalations/0/from_agent_handle", "alice")
        .having("/escalations/0/category", "bug")
        .having("/escalations/0/status", "open")
        .having("/escalations/0/resolved_at", Value::Null)
        .query("status=resolved")
        .answers("none is resolved", 200, "{escalations: [Escalation]}")
        .having("/escalations", json!([]))
        .query("status=all&before=2026-01-15T09:30:00Z")
        .answers("none is older", 200, "{escalations: [Escalation]}")
        .having("/escalations", json!([]));

    change_escalation = reported("PATCH /admin/support-escalations/{id}")
        .at("id", "esc_x")
        .text("[")
        .refused("a body is one JSON object", ErrorCode::ValidationError)
        .body(json!({ "status": "lost", "resolution_note": 1 }))
        .invalid("who does it is required", &["X-Ops-Operator", "resolution_note", "status"])
        .header("X-Ops-Operator", "olga")
        .body(json!({ "resolution_note": "x".repeat(1_001) }))
        .invalid("the status is required, a note has its length", &["resolution_note", "status"])
        .body(json!({ "status": "resolved", "resolution_note": "done" }))
        .refused("no such escalation", ErrorCode::NotFound)
        .at("id", "$escalation")
        .answers("resolved, when and by whom", 200, "{escalation: Escalation}")
        .having("/escalation/resolved_by", "olga")
        .having("/escalation/resolved_at", "2026-01-15T09:30:00.000Z")
        .having("/escalation/resolution_note", "done")
        .body(json!({ "status": "in_progress" }))
        .answers("opened again", 200, "{escalation: Escalation}")
        .having("/escalation/resolved_by", Value::Null)
        .having("/escalation/resolved_at", Value::Null);

    rotate_system_agent_key = operator("wire §22", "POST /admin/rotate-system-agent-key")
        .limit("system_key=10/3600")
        .given(Deed::SystemAgent("herald"))
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "handle": 1 }))
        .invalid("the handle is a text", &["handle"])
        .body(json!({}))
        .invalid("the handle is required", &["handle"])
        .body(json!({ "handle": "nobody-here" }))
        .refused("nobody has the handle", ErrorCode::NotASystemAgent)
        .body(json!({ "handle": "alice" }))
        .refused("not the platform's", ErrorCode::NotASystemAgent)
        .body(json!({ "handle": "@Herald" }))
        .answers("another key", 200, "{handle, api_key}")
        .having("/handle", "herald")
        .given(did("operator", "POST /admin/rotate-system-agent-key", json!({ "handle": "herald" })).times(9))
        .refused("ten an hour", ErrorCode::RateLimited)
        .given(Deed::Wait(3_600_000))
        .answers("an hour later", 200, "{handle, api_key}");

    backup = operator("wire §22", "POST /admin/backup")
        .of_folders()
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "name": 1 }))
        .invalid("the name is a text", &["name"])
        .body(json!({}))
        .invalid("the name is required", &["name"])
        .body(json!({ "name": "../elsewhere" }))
        .invalid("the name is no path", &["name"])
        .body(json!({ "name": "x".repeat(65) }))
        .invalid("the name has 64 characters at most", &["name"])
        .body(json!({ "name": "before-the-change" }))
        .answers("a copy", 200, "{file, bytes: int, sha256}")
        .invalid("once under this name", &["name"]);
}

/// Alice reported something to `@chatfather`.
fn reported(endpoint: &'static str) -> Ladder {
    let listed = did("operator", "GET /admin/support-escalations", Value::Null);
    operator("wire §22, §19", endpoint)
        .attended()
        .given(said("alice", "chatfather", "/report bug it does not work"))
        .given(listed.keep("escalation", "/escalations/0/id").until_it_is_there())
}
