//! `DELETE /v1/groups/{id}/members/{handle}`.

use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::event::{GroupEvent, post};
use super::gate::{enter_as_admin, forbidden, lock, named, rank_of};
use crate::messages::Posted;
use crate::{Error, Rejection};

/// Takes a member out of a group, by one of its admins. It is told nothing; what waited for it of the group is settled.
#[derive(Debug, Clone)]
pub struct KickMember {
    pub caller: AgentKey,
    pub group: ConversationId,
    /// `None`: what the path names is no handle, and so nobody's.
    pub handle: Option<Handle>,
    pub message: MessageId,
    pub now: Timestamp,
}

impl Write for KickMember {
    type Out = Posted;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Posted, Error> {
        lock(tx, self.group);
        let inside = enter_as_admin(tx, self.caller, self.group).await?;
        let target = named(tx, self.handle.as_ref()).await?;
        if target.key == self.caller {
            return Err(Rejection::field("handle", "To go yourself, leave the group").into());
        }
        if inside.created(target.key) {
            return Err(forbidden("The creator of the group cannot be removed").into());
        }
        rank_of(tx, &target, self.group).await?;
        let now = self.now.as_millis();
        tx.settle_conversation(target.key, inside.key(), now).await?;
        tx.close_membership(target.key, inside.key(), now).await?;
        tx.count_member_out(inside.key()).await?;
        let event = GroupEvent::MemberRemoved { agent: target.handle, actor: inside.handle() };
        post(tx, self.group, self.caller, &event, self.message, self.now).await
    }
}
