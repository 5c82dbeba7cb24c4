//! `DELETE /v1/groups/{id}`.

use agentchat_protocol::group::DeletedGroupInfo;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::WebhookEvent;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{WANTS_EVENTS, Work};
use agentchat_store::{Tx, Write};

use super::event::{GroupEvent, post};
use super::gate::{enter, forbidden, lock};
use super::show::profile;
use crate::Error;
use crate::messages::Posted;
use crate::webhooks::tell;

/// Ends a group: the last message and the end are one transaction. What remains is a stored job that readers take for
/// done.
#[derive(Debug, Clone, Copy)]
pub struct DeleteGroup {
    pub caller: AgentKey,
    pub group: ConversationId,
    pub message: MessageId,
    pub now: Timestamp,
}

/// The end of a group.
#[derive(Debug, Clone)]
pub struct DeletedGroup {
    pub deleted_at: Timestamp,
    /// The group's last message.
    pub posted: Posted,
    /// Webhooks of its former members are to be told.
    pub queued: bool,
}

impl Write for DeleteGroup {
    type Out = DeletedGroup;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<DeletedGroup, Error> {
        lock(tx, self.group);
        let inside = enter(tx, self.caller, self.group).await?;
        let vacant = !profile(tx, inside.key()).await?.creator_stands;
        let may = inside.created(self.caller) || (vacant && inside.is_admin());
        if !may {
            return Err(forbidden("Only the creator of the group may delete it").into());
        }
        let event = GroupEvent::GroupDeleted { actor: inside.handle() };
        let posted = post(tx, self.group, self.caller, &event, self.message, self.now).await?;
        tx.end_group(inside.key(), self.caller, self.now.as_millis()).await?;
        tx.insert_job(Work::EndGroup(inside.key()), self.now).await?;
        let queued = self.tell(tx, inside.handle(), &posted).await?;
        Ok(DeletedGroup { deleted_at: self.now, posted, queued })
    }
}

impl DeleteGroup {
    /// The webhooks of all who have the last message, if any of them may want to know.
    async fn tell(&self, tx: &mut Tx<'_>, by: Handle, posted: &Posted) -> Result<bool, Error> {
        let info = DeletedGroupInfo { group_id: self.group, deleted_by_handle: by, deleted_at: self.now };
        let mut queued = false;
        for delivery in posted.deliveries.iter().filter(|delivery| delivery.hooks & WANTS_EVENTS != 0) {
            let event = WebhookEvent::GroupDeleted;
            queued |= tell(tx, delivery.recipient, &event, &info, &self.group.bytes(), self.now).await?;
        }
        Ok(queued)
    }
}
