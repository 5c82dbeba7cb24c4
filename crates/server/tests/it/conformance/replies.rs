//! wire.md §18: reply coordination.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{agent, ladders};
use super::world::{Deed, did};

ladders! {
    active = agent("wire §18", "GET /v1/reply/active")
        .answers("nobody replies", 200, "{active: bool}")
        .having("/active", false)
        .given(did("alice", "PUT /v1/reply/active", json!({ "session_id": "s", "ttl_seconds": 1 })))
        .answers("a session does", 200, "{active: bool}")
        .having("/active", true)
        .given(Deed::Wait(1_000))
        .answers("no longer", 200, "{active: bool}")
        .having("/active", false);

    activate = agent("wire §18", "PUT /v1/reply/active")
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "session_id": 1, "ttl_seconds": "x" }))
        .invalid("every field has its type", &["session_id", "ttl_seconds"])
        .body(json!({ "session_id": "", "ttl_seconds": 0 }))
        .invalid("a session has 1 to 128 characters, a time 1 to 3600 seconds", &["session_id", "ttl_seconds"])
        .body(json!({ "session_id": "x".repeat(129), "ttl_seconds": 3_601 }))
        .invalid("and no more", &["session_id", "ttl_seconds"])
        .body(json!({ "session_id": "s", "ttl_seconds": 60 }))
        .answers("a lease", 200, "{ok, active: true, expires_at}")
        .having("/expires_at", "2026-01-15T09:31:00.000Z")
        .body(json!({}))
        .answers("the unnamed marker, for 300 s", 200, "{ok, active: true, expires_at}")
        .having("/expires_at", "2026-01-15T09:35:00.000Z");

    release = agent("wire §18", "DELETE /v1/reply/active")
        .given(did("alice", "PUT /v1/reply/active", json!({ "session_id": "s" })))
        .given(did("alice", "PUT /v1/reply/active", json!({})))
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "session_id": 1 }))
        .invalid("a session is a text", &["session_id"])
        .text("")
        .answers("the unnamed marker; the session remains", 200, "{ok, active: bool}")
        .having("/active", true)
        .body(json!({ "session_id": "other" }))
        .answers("what is not there is fine", 200, "{ok, active: bool}")
        .having("/active", true)
        .body(json!({ "session_id": "s" }))
        .answers("the session", 200, "{ok, active: bool}")
        .having("/active", false);

    claim = agent("wire §18", "POST /v1/reply/claim")
        .text("")
        .invalid("required fields need a body", &[])
        .body(json!({ "message_id": 1, "holder": 2, "defer_if_active": 3 }))
        .invalid("every field has its type", &["defer_if_active", "holder", "message_id"])
        .body(json!({ "message_id": "x".repeat(65), "holder": "" }))
        .invalid("an id has 1 to 64 characters, a holder 1 to 128", &["holder", "message_id"])
        .body(json!({ "message_id": "any", "holder": "one" }))
        .answers("unclaimed", 200, "{claimed: bool, deferred: bool}")
        .having("", json!({ "claimed": true, "deferred": false }))
        .answers("its holder again", 200, "{claimed: bool, deferred: bool}")
        .having("/claimed", true)
        .body(json!({ "message_id": "any", "holder": "other", "defer_if_active": false }))
        .answers("somebody else's", 200, "{claimed: bool, deferred: bool}")
        .having("", json!({ "claimed": false, "deferred": false }))
        .given(did("alice", "PUT /v1/reply/active", json!({})))
        .body(json!({ "message_id": "any", "holder": "one", "defer_if_active": true }))
        .answers("a session is active", 200, "{claimed: bool, deferred: bool}")
        .having("", json!({ "claimed": false, "deferred": true }));

    claim_batch = agent("wire §18", "POST /v1/reply/claim-batch")
        .given(did("alice", "POST /v1/reply/claim", json!({ "message_id": "c", "holder": "other" })))
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "message_ids": "a", "holder": 2, "defer_if_active": 3 }))
        .invalid("every field has its type", &["defer_if_active", "holder", "message_ids"])
        .body(json!({ "message_ids": [], "holder": "x".repeat(129) }))
        .invalid("at least one id, a holder has its length", &["holder", "message_ids"])
        .body(json!({ "message_ids": vec!["a"; 501], "holder": "one" }))
        .invalid("500 ids at most", &["message_ids"])
        .body(json!({ "message_ids": ["a", "b", "c", "d"], "holder": "one" }))
        .answers("up to the first that is somebody else's", 200, "{claimed_count: int, deferred: bool}")
        .having("", json!({ "claimed_count": 2, "deferred": false }))
        .body(json!({ "message_ids": ["d"], "holder": "other", "defer_if_active": true }))
        .answers("what stood behind it stayed untouched", 200, "{claimed_count: int, deferred: bool}")
        .having("/claimed_count", 1);

    reviews = agent("wire §18", "PUT /v1/pending-reviews")
        .text("")
        .invalid("required fields need a body", &[])
        .body(json!({ "installation_id": 1, "pending_reviews": {} }))
        .invalid("every field has its type", &["installation_id", "pending_reviews"])
        .body(json!({ "installation_id": "x", "pending_reviews": vec![review("autonomy_off"); 101] }))
        .invalid("an installation is a UUID, of reviews there are 100", &["installation_id", "pending_reviews"])
        .body(json!({ "installation_id": INSTALLATION, "pending_reviews": [{ "id": "" }] }))
        .refused("a review is whole", ErrorCode::ValidationError)
        .body(json!({ "installation_id": INSTALLATION, "pending_reviews": [review("autonomy_off"), review("full_moon")] }))
        .answers("unknown reasons too", 200, "{ok, count: int}")
        .having("/count", 2)
        .body(json!({ "installation_id": INSTALLATION, "pending_reviews": [] }))
        .answers("the whole list is replaced", 200, "{ok, count: int}")
        .having("/count", 0);

    wake = agent("wire §18", "PUT /v1/agents/me/wake-webhook")
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "url": 1 }))
        .invalid("both fields are required", &["secret", "url"])
        .body(json!({ "url": "http://example.com/", "secret": "" }))
        .invalid("a URL is https, a secret has 1 to 256 characters", &["secret", "url"])
        .body(json!({ "url": "https://example.com/wake", "secret": "x".repeat(257) }))
        .invalid("and no more", &["secret"])
        .body(json!({ "url": "https://example.com/wake", "secret": "s3cret" }))
        .answers("set", 200, "{state: active}");

    unwake = agent("wire §18", "DELETE /v1/agents/me/wake-webhook")
        .answers("there is none", 200, "{ok}")
        .given(did("alice", "PUT /v1/agents/me/wake-webhook", json!({ "url": "https://example.com/", "secret": "s" })))
        .answers("gone", 200, "{ok}");
}

const INSTALLATION: &str = "019bc0f0-a4c0-7a1b-8c2d-3e4f50617283";

fn review(reason: &str) -> Value {
    json!({ "id": "r-1", "conversation_id": "conv_x", "peer_agents": ["@Bob"], "focus_message_id": "msg_x",
        "reason": reason, "first_requested_at": "2026-01-15T09:30:00.000Z", "updated_at": "2026-01-15T09:30:00.000Z" })
}
