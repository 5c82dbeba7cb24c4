//! `POST /v1/groups/invites/{id}/accept`.

use agentchat_protocol::group::GroupDetail;
use agentchat_protocol::id::{ConversationId, InviteId, MessageId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::event::{GroupEvent, post};
use super::gate::{full, living};
use super::invites::pending;
use super::show::detail;
use crate::Error;
use crate::messages::Posted;

/// Follows an invitation: the caller is a member, and sees what is said from now on.
#[derive(Debug, Clone, Copy)]
pub struct AcceptInvite {
    pub caller: AgentKey,
    /// `None`: what the path names is no invitation's id.
    pub invite: Option<InviteId>,
    /// Active members of a group, at most.
    pub members: u64,
    pub message: MessageId,
    pub now: Timestamp,
}

/// A group that somebody came into.
#[derive(Debug, Clone)]
pub struct Joined {
    pub group: GroupDetail,
    /// Not if it was a member already.
    pub posted: Option<Posted>,
}

impl Write for AcceptInvite {
    type Out = Joined;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Joined, Error> {
        let found = pending(tx, self.caller, self.invite).await?;
        let group = ConversationId::group(found.group_id);
        tx.lock_conversation(group);
        tx.lock_member_inboxes_and(found.group, self.caller);
        let caller = living(tx, self.caller).await?;
        // The invitation, the group and who is in it may have changed until the locks were had.
        let found = pending(tx, self.caller, self.invite).await?;
        let seat = tx.membership(self.caller, group).await?;
        let mut posted = None;
        if seat.is_none_or(|seat| seat.left_at.is_some()) {
            if found.group_members.unsigned_abs() >= self.members {
                return Err(full(self.members).into());
            }
            tx.join_group(self.caller, found.group, self.now.as_millis()).await?;
            let event = GroupEvent::MemberJoined { agent: caller.handle };
            posted = Some(post(tx, group, self.caller, &event, self.message, self.now).await?);
        }
        tx.delete_invite(&found.id).await?;
        Ok(Joined { group: detail(tx, self.caller, found.group).await?, posted })
    }
}
