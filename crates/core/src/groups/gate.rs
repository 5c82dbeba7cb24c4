//! Who may do what in a group: the gates G and GA of wire.md §9.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::ConversationId;
use agentchat_store::Tx;
use agentchat_store::key::{AgentKey, ConversationKey};
use agentchat_store::tables::{AgentRow, Membership};

use crate::agents::read_live;
use crate::conversations::group_access;
use crate::{Error, Rejection};

/// A caller that takes part in a living group.
pub(crate) struct Inside {
    pub(super) agent: AgentRow,
    pub(super) seat: Membership,
}

impl Inside {
    pub(crate) fn key(&self) -> ConversationKey {
        self.seat.key
    }

    pub(crate) fn handle(&self) -> Handle {
        self.agent.handle.clone()
    }

    pub(super) fn is_admin(&self) -> bool {
        self.seat.group().is_some_and(|group| group.admin)
    }

    pub(super) fn created(&self, agent: AgentKey) -> bool {
        self.seat.group().is_some_and(|group| group.created_by == agent)
    }
}

/// The caller's account now: its key may have died since it was authenticated.
pub(super) async fn living(tx: &mut Tx<'_>, caller: AgentKey) -> Result<AgentRow, Error> {
    let agent = read_live(tx, caller).await?;
    if agent.status == AgentStatus::Suspended {
        return Err(Rejection::suspended().into());
    }
    Ok(agent)
}

/// Gate G. The group's conversation is to be locked by whoever changes it.
pub(super) async fn enter(tx: &mut Tx<'_>, caller: AgentKey, group: ConversationId) -> Result<Inside, Error> {
    let agent = living(tx, caller).await?;
    Ok(Inside { agent, seat: group_access(tx, caller, group).await? })
}

/// Gate GA.
pub(crate) async fn enter_as_admin(tx: &mut Tx<'_>, caller: AgentKey, group: ConversationId) -> Result<Inside, Error> {
    let inside = enter(tx, caller, group).await?;
    if !inside.is_admin() {
        return Err(forbidden("Only admins of the group may do this").into());
    }
    Ok(inside)
}

/// Locks a group, and the inboxes of its members for the system messages that follow.
pub(crate) fn lock(tx: &mut Tx<'_>, group: ConversationId) {
    tx.lock_conversation(group);
    tx.lock_member_inboxes(group);
}

/// The account of a handle in a path, of any status.
pub(super) async fn named(tx: &mut Tx<'_>, handle: Option<&Handle>) -> Result<AgentRow, Error> {
    let handle = handle.ok_or_else(Rejection::agent_not_found)?;
    Ok(tx.agent_by_handle(handle).await?.ok_or_else(Rejection::agent_not_found)?)
}

/// An active member's rank: whether it is an admin.
pub(super) async fn rank_of(tx: &mut Tx<'_>, agent: &AgentRow, group: ConversationId) -> Result<bool, Error> {
    let seat = tx.membership(agent.key, group).await?;
    let active = seat.filter(|seat| seat.left_at.is_none() && agent.status != AgentStatus::Deleted);
    let seat = active.ok_or_else(not_member)?;
    Ok(seat.group().is_some_and(|group| group.admin))
}

pub(super) fn forbidden(message: &str) -> Rejection {
    Rejection::new(ErrorCode::Forbidden, message)
}

/// `NOT_MEMBER`.
pub(super) fn not_member() -> Rejection {
    Rejection::new(ErrorCode::NotMember, "This agent is not a member of the group")
}

/// `GROUP_FULL`.
pub(super) fn full(limit: u64) -> Rejection {
    Rejection::new(ErrorCode::GroupFull, format!("A group has at most {limit} members"))
        .details(serde_json::json!({ "limit": limit }))
}
