//! wire.md §6: delivery and sync.

use agentchat_protocol::agent::PausedByOwner;
use serde_json::{Value, json};

use super::ladder::{agent, ladders};
use super::world::{did, said};
use crate::stage::Standing;

ladders! {
    sync = agent("wire §6.3", "GET /v1/messages/sync")
        .given(said("alice", "bob", "hello"))
        .by("bob")
        .query("limit=0&wait=-1")
        .invalid("numbers are whole and in range", &["limit", "wait"])
        .query("limit=x&wait=1.5")
        .invalid("numbers are numbers", &["limit", "wait"])
        .query("after=del_x")
        .answers("a malformed cursor answers nothing", 200, "[SyncRow]")
        .having("", json!([]))
        .query("after=&limit=&wait=")
        .answers("an empty value is none", 200, "[SyncRow]")
        .having("/0/content/text", "hello")
        .having("/0/is_own", false)
        .query("limit=100000&wait=1")
        .answers("above the maximum is clamped, a row ends the wait", 200, "[SyncRow]")
        .having("/0/content/text", "hello")
        .query("limit=0")
        .given(Standing::Paused("bob", PausedByOwner::Full))
        .answers("fully paused: nothing, before the query is looked at", 200, "[SyncRow]")
        .having("", json!([]));

    ack = agent("wire §6.3", "POST /v1/messages/sync/ack")
        .given(said("alice", "bob", "hello"))
        .given(did("bob", "GET /v1/messages/sync", Value::Null).keep("delivery", "/0/delivery_id"))
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "last_delivery_id": null }))
        .invalid("the cursor is required", &["last_delivery_id"])
        .body(json!({ "last_delivery_id": "" }))
        .invalid("the cursor is not empty", &["last_delivery_id"])
        .body(json!({ "last_delivery_id": "$delivery" }))
        .answers("a foreign cursor settles nothing", 200, "{acked: int}")
        .having("/acked", 0)
        .by("bob")
        .body(json!({ "last_delivery_id": "del_x" }))
        .answers("nor does a malformed one", 200, "{acked: int}")
        .having("/acked", 0)
        .body(json!({ "last_delivery_id": "$delivery" }))
        .answers("the own one does", 200, "{acked: int}")
        .having("/acked", 1)
        .answers("once", 200, "{acked: int}")
        .having("/acked", 0)
        .given(Standing::Paused("bob", PausedByOwner::Full))
        .text("[")
        .answers("fully paused: nothing, before the body is looked at", 200, "{acked: int}")
        .having("/acked", 0);

    count = agent("wire §6.3", "GET /v1/messages/undelivered/count")
        .given(said("alice", "bob", "hello"))
        .answers("nothing waits", 200, "{count: int}")
        .having("/count", 0)
        .by("bob")
        .answers("one waits", 200, "{count: int}")
        .having("/count", 1)
        .given(Standing::Paused("bob", PausedByOwner::Full))
        .answers("also while paused", 200, "{count: int}")
        .having("/count", 1);
}
