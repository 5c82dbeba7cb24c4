//! `POST /v1/groups/{id}/members/{handle}/promote` and `/demote`.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, ConversationKey};
use agentchat_store::tables::AgentRow;
use agentchat_store::{Tx, Write};

use super::event::{GroupEvent, post};
use super::gate::{Inside, enter_as_admin, forbidden, lock, named, not_member, rank_of};
use crate::messages::Posted;
use crate::{Error, Rejection};

/// Makes a member an admin, or an admin a member, by one of the group's admins.
#[derive(Debug, Clone)]
pub struct ChangeRank {
    pub caller: AgentKey,
    pub group: ConversationId,
    /// `None`: what the path names is no handle, and so nobody's.
    pub handle: Option<Handle>,
    pub to: Rank,
    pub message: MessageId,
    pub now: Timestamp,
}

/// What somebody is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    Admin,
    Member,
}

impl Write for ChangeRank {
    type Out = Posted;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Posted, Error> {
        lock(tx, self.group);
        let inside = enter_as_admin(tx, self.caller, self.group).await?;
        let target = named(tx, self.handle.as_ref()).await?;
        if !matches!(target.status, AgentStatus::Active | AgentStatus::Restricted) {
            return Err(Rejection::agent_not_found().into());
        }
        let event = match self.to {
            Rank::Admin => self.promote(tx, &inside, &target).await?,
            Rank::Member => self.demote(tx, &inside, &target).await?,
        };
        tx.set_role(target.key, inside.key(), self.to == Rank::Admin).await?;
        post(tx, self.group, self.caller, &event, self.message, self.now).await
    }
}

impl ChangeRank {
    async fn promote(&self, tx: &mut Tx<'_>, inside: &Inside, target: &AgentRow) -> Result<GroupEvent, Error> {
        if rank_of(tx, target, self.group).await? {
            return Err(not_member().into());
        }
        Ok(GroupEvent::AdminPromoted { agent: target.handle.clone(), actor: Some(inside.handle()) })
    }

    async fn demote(&self, tx: &mut Tx<'_>, inside: &Inside, target: &AgentRow) -> Result<GroupEvent, Error> {
        if inside.created(target.key) {
            return Err(forbidden("The creator of the group stays its admin").into());
        }
        if !rank_of(tx, target, self.group).await? {
            return Err(Rejection::new(ErrorCode::NotAdmin, "This member is not an admin").into());
        }
        if !another_admin(tx, inside.key(), target.key).await? {
            return Err(Rejection::new(ErrorCode::LastAdmin, "The last admin cannot be demoted").into());
        }
        Ok(GroupEvent::AdminDemoted { agent: target.handle.clone(), actor: inside.handle() })
    }
}

async fn another_admin(tx: &mut Tx<'_>, group: ConversationKey, than: AgentKey) -> Result<bool, Error> {
    Ok(tx.group_members(group).await?.iter().any(|member| member.admin && member.agent != than))
}
