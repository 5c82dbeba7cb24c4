//! wire.md §9: groups and their members.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{Ladder, agent, ladders};
use super::world::{Call, Deed, befriended, did, suspended};

const CREATED: &str = "{group: GroupDetail, add_results: [AddMemberResult], add_errors: [{handle, code}]}";

/// A group of alice and bob that ended, and alice's own, known to carol by its id.
fn ended(section: &'static str, endpoint: &'static str) -> Ladder {
    agent(section, endpoint)
        .cast(&["alice", "bob", "carol", "dave", "erin"])
        .founded("alice", "ended")
        .joined("alice", "ended", "bob")
        .given(did("alice", "DELETE /v1/groups/$ended", Value::Null))
        .founded("alice", "group")
        .by("carol")
        .at("id", "$ended")
        .at("handle", "nobody-here")
}

/// An agent that its contacts alone may invite.
fn contacts_only(agent: &'static str) -> Call {
    let settings = json!({ "settings": { "group_invite_policy": "contacts_only" } });
    did(agent, &format!("PATCH /v1/agents/{agent}"), settings)
}

/// The same, and bob is in the group.
fn founded(section: &'static str, endpoint: &'static str) -> Ladder {
    ended(section, endpoint).joined("alice", "group", "bob")
}

/// Gate G; bob, a member, asks then.
fn gated(ladder: Ladder) -> Ladder {
    ladder
        .refused("G: a deleted group tells strangers nothing", ErrorCode::GroupNotFound)
        .by("bob")
        .refused_with("G: a former participant", ErrorCode::GroupDeleted, &[("deleted_by_handle", json!("alice"))])
        .at("id", "grp_x")
        .refused("G: no such group", ErrorCode::GroupNotFound)
        .at("id", "conv_00000000000000000000000000")
        .refused("G: not a group", ErrorCode::GroupNotFound)
        .by("carol")
        .at("id", "$group")
        .refused("G: not a member", ErrorCode::GroupNotFound)
        .by("bob")
}

/// Gate GA; alice, the admin, asks then.
fn admin_gated(ladder: Ladder) -> Ladder {
    gated(ladder).refused("GA: not an admin", ErrorCode::Forbidden).by("alice")
}

ladders! {
    create = agent("wire §9.1", "POST /v1/groups")
        .policies(&["group_create"])
        .text("[")
        .invalid("a body is one JSON object", &[])
        .body(json!({ "name": 1, "description": 2, "avatar_url": 3, "member_handles": 4, "settings": 5 }))
        .invalid("every field has its type", &["avatar_url", "description", "member_handles", "name", "settings"])
        .body(json!({ "name": " ", "description": "x".repeat(501), "avatar_url": "http://example.com/a.png",
            "settings": { "who_can_invite": "all" } }))
        .invalid(
            "a name has 1 to 100 characters, an avatar is https, admins invite",
            &["avatar_url", "description", "name", "settings.who_can_invite"],
        )
        .body(json!({ "name": "one\ntwo", "member_handles": vec!["bob"; 256] }))
        .invalid("a name is one line, of handles there are 255", &["member_handles", "name"])
        .body(json!({ "name": "ops", "description": null, "member_handles": ["@Bob", "bob", "alice", "nobody-here"] }))
        .answers("who cannot be invited fails nothing", 201, CREATED)
        .having("/group/created_by", "alice")
        .having("/group/your_role", "admin")
        .having("/group/member_count", 1)
        .having("/add_results/0/outcome", "invited")
        .having("/add_errors", json!([{ "handle": "nobody-here", "code": "AGENT_NOT_FOUND" }]))
        .body(json!({ "name": "x".repeat(100), "settings": { "who_can_invite": "admin" } }))
        .answers("alone", 201, CREATED)
        .having("/add_results", json!([]));

    create_with_everybody = agent("wire §9.1, the add rule of §9.2 for each", "POST /v1/groups")
        .cast(&["alice", "bob", "carol", "dave", "erin", "frank"])
        .limit("group_invite=1/86400")
        .given(did("dave", "POST /v1/contacts/alice/block", Value::Null))
        .given(contacts_only("erin"))
        .given(suspended("frank"))
        .body(json!({ "name": "ops", "member_handles": "bob" }))
        .invalid("handles are a list", &["member_handles"])
        .body(json!({ "name": "ops", "member_handles": ["frank", "@Dave", "erin", "@Alice", "bob", "carol"] }))
        .answers("each for itself, in order", 201, CREATED)
        .having("/add_results/0/handle", "bob")
        .having(
            "/add_errors",
            json!([
                { "handle": "frank", "code": "AGENT_NOT_FOUND" },
                { "handle": "dave", "code": "BLOCKED" },
                { "handle": "erin", "code": "INBOX_RESTRICTED" },
                { "handle": "carol", "code": "RATE_LIMITED" },
            ]),
        );

    show = gated(founded("wire §9.1", "GET /v1/groups/{id}"))
        .answers("a member sees it", 200, "GroupDetail")
        .having("/your_role", "member")
        .having("/members/0/handle", "alice")
        .having("/members/1/role", "member");

    update = admin_gated(
        founded("wire §9.1", "PATCH /v1/groups/{id}")
            .text("[")
            .invalid("a body is one JSON object", &[])
            .body(json!({ "name": 1, "description": 2, "avatar_url": 3, "settings": 4 }))
            .invalid("every field has its type", &["avatar_url", "description", "name", "settings"])
            .body(json!({ "name": "", "description": "x".repeat(501), "avatar_url": "ftp://example.com/",
                "settings": { "who_can_invite": "member" } }))
            .invalid(
                "a name has 1 to 100 characters, an avatar is https, admins invite",
                &["avatar_url", "description", "name", "settings.who_can_invite"],
            )
            .body(json!({ "name": "new", "description": "about", "avatar_url": "https://example.com/a.png" })),
    )
    .answers("changed", 200, "GroupDetail")
    .having("/name", "new")
    .having("/description", "about")
    .body(json!({ "name": null, "description": null, "avatar_url": null }))
    .answers("null clears what may be empty", 200, "GroupDetail")
    .having("/name", "new")
    .having("/description", Value::Null)
    .having("/avatar_url", Value::Null);

    delete = gated(founded("wire §9.1", "DELETE /v1/groups/{id}"))
        .refused("neither creator nor admin", ErrorCode::Forbidden)
        .given(did("alice", "POST /v1/groups/$group/members/bob/promote", Value::Null))
        .refused("an admin, while the creator is there", ErrorCode::Forbidden)
        .given(did("alice", "POST /v1/groups/$group/leave", Value::Null))
        .answers("an admin, when the creator is gone", 200, "{ok, message, deleted_at}")
        .having("/message", "Group deleted")
        .refused("once", ErrorCode::GroupDeleted)
        .founded("bob", "own")
        .at("id", "$own")
        .answers("the creator", 200, "{ok, message, deleted_at}");

    invite = admin_gated(
        ended("wire §9.2", "POST /v1/groups/{id}/members")
            .limit("group_members=2")
            .limit("group_invite=3/86400")
            .given(
                did("alice", "POST /v1/groups/$group/members", json!({ "handle": "erin" }))
                    .keep("pending", "/invite_id"),
            )
            .joined("alice", "group", "bob")
            .given(contacts_only("bob"))
            .given(contacts_only("erin"))
            .given(contacts_only("dave"))
            .given(did("dave", "POST /v1/contacts/alice/block", Value::Null))
            .text("[")
            .invalid("a body is one JSON object", &[])
            .body(json!({ "handle": 1 }))
            .invalid("the handle is a text", &["handle"])
            .body(json!({}))
            .invalid("the handle is required", &["handle"])
            .body(json!({ "handle": "nobody-here" })),
    )
    .refused("nobody has the handle", ErrorCode::AgentNotFound)
    .body(json!({ "handle": "@Alice" }))
    .refused("not oneself", ErrorCode::ValidationError)
    .body(json!({ "handle": "dave" }))
    .refused("a block, in either direction", ErrorCode::Blocked)
    .body(json!({ "handle": "@Bob" }))
    .given(did("bob", "POST /v1/contacts/alice/block", Value::Null))
    .refused("a block comes before membership", ErrorCode::Blocked)
    .given(did("bob", "DELETE /v1/contacts/alice/block", Value::Null))
    .answers("an active member, whatever its policy, though the group is full", 201, "AddMemberResult")
    .having("", json!({ "handle": "bob", "outcome": "already_member" }))
    .body(json!({ "handle": "erin" }))
    .answers("invited before, whatever its policy: the same invite, no quota", 201, "AddMemberResult")
    .having("/outcome", "invited")
    .having("/invite_id", "$pending")
    .body(json!({ "handle": "dave" }))
    .given(did("dave", "DELETE /v1/contacts/alice/block", Value::Null))
    .refused_with("invited by contacts only", ErrorCode::InboxRestricted, &[("handle", json!("dave"))])
    .given(befriended("dave", "alice"))
    .refused_with("the group is full", ErrorCode::GroupFull, &[("limit", json!(2))])
    .given(did("bob", "POST /v1/groups/$group/leave", Value::Null))
    .refused_with("policy group_invite", ErrorCode::RateLimited, &[("reason", json!("group_invite"))])
    .given(Deed::Wait(86_400_000))
    .answers("invited", 201, "AddMemberResult")
    .having("/handle", "dave");

    kick = admin_gated(founded("wire §9.2", "DELETE /v1/groups/{id}/members/{handle}").joined("alice", "group", "dave"))
        .given(did("alice", "POST /v1/groups/$group/members/bob/promote", Value::Null))
        .by("bob")
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .at("handle", "@Bob")
        .refused("not oneself", ErrorCode::ValidationError)
        .at("handle", "alice")
        .refused("the creator stays", ErrorCode::Forbidden)
        .at("handle", "carol")
        .refused("not a member", ErrorCode::NotMember)
        .at("handle", "@Dave")
        .answers("removed", 200, "{ok, message}")
        .having("/message", "Member removed")
        .refused("once", ErrorCode::NotMember);

    promote = admin_gated(founded("wire §9.2", "POST /v1/groups/{id}/members/{handle}/promote"))
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .at("handle", "carol")
        .refused("not a member", ErrorCode::NotMember)
        .at("handle", "alice")
        .refused("an admin already", ErrorCode::NotMember)
        .at("handle", "@Bob")
        .answers("promoted", 200, "{ok, message}")
        .having("/message", "Member promoted to admin");

    demote = admin_gated(founded("wire §9.2", "POST /v1/groups/{id}/members/{handle}/demote").joined("alice", "group", "dave"))
        .refused("nobody has the handle", ErrorCode::AgentNotFound)
        .at("handle", "alice")
        .refused("the creator stays an admin", ErrorCode::Forbidden)
        .at("handle", "carol")
        .refused("not a member", ErrorCode::NotMember)
        .at("handle", "dave")
        .refused("a plain member", ErrorCode::NotAdmin)
        .given(did("alice", "POST /v1/groups/$group/members/bob/promote", Value::Null))
        .given(did("alice", "POST /v1/groups/$group/leave", Value::Null))
        .by("bob")
        .at("handle", "bob")
        .refused("the only admin", ErrorCode::LastAdmin)
        .given(did("bob", "POST /v1/groups/$group/members/dave/promote", Value::Null))
        .answers("demoted", 200, "{ok, message}")
        .having("/message", "Admin demoted to member");

    leave = gated(founded("wire §9.2", "POST /v1/groups/{id}/leave").joined("alice", "group", "dave"))
        .answers("a member left", 200, "{ok, message, promoted_handle|null}")
        .having("/message", "Left group")
        .having("/promoted_handle", Value::Null)
        .refused("once", ErrorCode::GroupNotFound)
        .by("alice")
        .answers("the last admin left: the oldest member becomes one", 200, "{ok, message, promoted_handle}")
        .having("/promoted_handle", "dave")
        .by("dave")
        .answers("the last member left", 200, "{ok, message, promoted_handle|null}")
        .refused("that was the group's end", ErrorCode::GroupDeleted);
}
