//! `DELETE /v1/groups/{id}`.

use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::Work;
use agentchat_store::{Tx, Write};

use super::event::{GroupEvent, post};
use super::gate::{enter, forbidden, lock};
use super::show::profile;
use crate::Error;
use crate::messages::Posted;

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
        Ok(DeletedGroup { deleted_at: self.now, posted })
    }
}
