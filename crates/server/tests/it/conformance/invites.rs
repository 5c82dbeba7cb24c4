//! wire.md §9.3: invites.

use agentchat_protocol::error::ErrorCode;
use serde_json::{Value, json};

use super::ladder::{Ladder, agent, ladders};
use super::world::did;

/// Alice's group, and its invite to carol.
fn invited(endpoint: &'static str) -> Ladder {
    let invite = did("alice", "POST /v1/groups/$group/members", json!({ "handle": "carol" }));
    agent("wire §9.3", endpoint)
        .cast(&["alice", "bob", "carol"])
        .limit("group_members=2")
        .founded("alice", "group")
        .given(invite.keep("for-carol", "/invite_id"))
}

ladders! {
    list = invited("GET /v1/groups/invites")
        .answers("an inviter has none", 200, "[GroupInvitation]")
        .having("", json!([]))
        .by("carol")
        .answers("an invitee has one", 200, "[GroupInvitation]")
        .having("/0/group_name", "group")
        .having("/0/inviter_handle", "alice")
        .having("/0/group_member_count", 1);

    accept = invited("POST /v1/groups/invites/{id}/accept")
        .joined("alice", "group", "bob")
        .by("bob")
        .at("id", "inv_x")
        .refused("no such invite", ErrorCode::InviteNotFound)
        .at("id", "$invite")
        .refused("consumed", ErrorCode::InviteNotFound)
        .at("id", "$for-carol")
        .refused("somebody else's, whether the group is full or not", ErrorCode::InviteNotFound)
        .by("carol")
        .refused_with("the group is full", ErrorCode::GroupFull, &[("limit", json!(2))])
        .given(did("bob", "POST /v1/groups/$group/leave", Value::Null))
        .answers("a member", 200, "GroupDetail")
        .having("/your_role", "member")
        .having("/member_count", 2)
        .refused("once", ErrorCode::InviteNotFound);

    reject = invited("DELETE /v1/groups/invites/{id}")
        .by("bob")
        .at("id", "inv_x")
        .refused("no such invite", ErrorCode::InviteNotFound)
        .at("id", "$for-carol")
        .refused("somebody else's", ErrorCode::InviteNotFound)
        .by("alice")
        .refused("also the inviter's", ErrorCode::InviteNotFound)
        .by("carol")
        .answers("rejected", 200, "{ok, message}")
        .having("/message", "Invite rejected")
        .refused("once", ErrorCode::InviteNotFound);
}
