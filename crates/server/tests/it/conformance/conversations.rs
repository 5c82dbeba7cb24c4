//! wire.md §8: conversations.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{Ladder, agent, ladders};
use super::world::{did, reinstated, said, suspended};

/// A direct conversation of alice and bob, one of bob and carol, a group of alice and bob, and one that ended.
fn scene(section: &'static str, endpoint: &'static str) -> Ladder {
    agent(section, endpoint)
        .cast(&["alice", "bob", "carol"])
        .given(said("alice", "bob", "hello").keep("conversation", "/conversation_id"))
        .given(said("carol", "bob", "hi").keep("foreign", "/conversation_id"))
        .founded("alice", "group")
        .joined("alice", "group", "bob")
        .founded("alice", "ended")
        .joined("alice", "ended", "bob")
        .given(did("alice", "DELETE /v1/groups/$ended", Value::Null))
        .by("bob")
        .at("id", "$ended")
}

/// The errors of every route that names a conversation; alice asks for hers with bob then.
fn behind_the_gate(ladder: Ladder) -> Ladder {
    ladder
        .refused_with("a former participant", ErrorCode::GroupDeleted, &[("group_id", json!("$ended"))])
        .by("carol")
        .refused("a deleted group tells strangers nothing", ErrorCode::ConversationNotFound)
        .at("id", "$group")
        .refused("not a member", ErrorCode::ConversationNotFound)
        .by("alice")
        .at("id", "$foreign")
        .refused("somebody else's conversation", ErrorCode::ConversationNotFound)
        .at("id", "conv_00000000000000000000000000")
        .refused("no such conversation", ErrorCode::ConversationNotFound)
        .at("id", "x")
        .refused("nor can it be", ErrorCode::ConversationNotFound)
        .at("id", "$conversation")
}

fn gated(endpoint: &'static str) -> Ladder {
    behind_the_gate(scene("wire §8", endpoint))
}

ladders! {
    list = agent("wire §8", "GET /v1/conversations")
        .given(said("alice", "bob", "hello"))
        .founded("alice", "group")
        .query("limit=0&offset=-1")
        .invalid("numbers are in range", &["limit", "offset"])
        .query("limit=x&offset=1.5")
        .invalid("numbers are whole", &["limit", "offset"])
        .query("limit=1000&offset=")
        .answers("the latest first", 200, "[ConversationListItem]")
        .having("/0/type", "direct")
        .having("/0/participants/0/handle", "bob")
        .having("/0/group_name", Value::Null)
        .having("/0/last_message_preview", "hello")
        .having("/1/type", "group")
        .having("/1/participants", json!([]))
        .having("/1/group_name", "group")
        .query("offset=2")
        .answers("beyond the end", 200, "[ConversationListItem]")
        .having("", json!([]));

    participants = gated("GET /v1/conversations/{id}/participants")
        .answers("direct: the counterparty", 200, "[Participant]")
        .having("/0/handle", "bob")
        .at("id", "$group")
        .answers("group: everybody, the caller too, by joined_at", 200, "[Participant]")
        .having("/0/handle", "alice")
        .having("/1/handle", "bob");

    context = gated("GET /v1/conversations/{id}/context")
        .answers("direct", 200, "ConversationContext")
        .having("/type", "direct")
        .having("/group", Value::Null)
        .having("/relationship", json!({ "is_contact": false, "added_at": null, "note": null }))
        .having("/direct_state/state", "cold")
        .at("id", "$group")
        .answers("group", 200, "ConversationContext")
        .having("/type", "group")
        .having("/group/your_role", "admin")
        .having("/counterparty", Value::Null)
        .having("/relationship", Value::Null)
        .having("/direct_state", Value::Null);

    hide = gated("DELETE /v1/conversations/{id}").answers("out of the own list", 200, "{ok, hidden: true}").answers(
        "again: the same",
        200,
        "{ok, hidden: true}",
    );

    notify_level = behind_the_gate(scene("extensions X5", "GET /v1/conversations/{id}/notify"))
        .answers("everything, as long as nothing was said", 200, "{level: all/mentions/none}")
        .having("/level", "all")
        .at("id", "$group")
        .answers("of a group", 200, "{level: all/mentions/none}")
        .given(did("alice", "PUT /v1/conversations/$group/notify", json!({ "level": "none" })))
        .answers("as it was set", 200, "{level: all/mentions/none}")
        .having("/level", "none")
        .by("bob")
        .answers("each for itself", 200, "{level: all/mentions/none}")
        .having("/level", "all");

    set_notify_level = behind_the_gate(
        scene("extensions X5", "PUT /v1/conversations/{id}/notify")
            .text("[")
            .invalid("a body is one JSON object", &[])
            .body(json!({ "level": 1 }))
            .invalid("the level is a text", &["level"])
            .body(json!({ "level": "some" }))
            .invalid("the level is one of three words", &["level"])
            .body(json!({}))
            .invalid("the level is required", &["level"])
            .body(json!({ "level": "mentions" })),
    )
    .answers("what mentions the caller", 200, "{level: all/mentions/none}")
    .having("/level", "mentions")
    .at("id", "$group")
    .body(json!({ "level": "none" }))
    .answers("nothing of a group", 200, "{level: all/mentions/none}")
    .having("/level", "none");

    direct_context = agent("wire §8", "GET /v1/conversations/direct/{handle}/context")
        .cast(&["alice", "bob", "carol"])
        .given(said("carol", "alice", "hello"))
        .given(suspended("bob"))
        .at("handle", "@Alice")
        .refused("not with oneself", ErrorCode::ValidationError)
        .at("handle", "-")
        .refused("a malformed handle is nobody's", ErrorCode::AgentNotFound)
        .at("handle", "bob")
        .refused("suspended accounts are nobody", ErrorCode::AgentNotFound)
        .given(reinstated("bob"))
        .answers(
            "nothing was said",
            200,
            "{state: new, counterparty: Participant, conversation|null: ConversationContext}",
        )
        .having("/conversation", Value::Null)
        .at("handle", "@Carol")
        .answers(
            "something was",
            200,
            "{state: cold/established, counterparty: Participant, conversation: ConversationContext}",
        )
        .having("/conversation/direct_state/initiated_by_self", false);
}
