//! `POST /v1/groups/{id}/leave`, and what it means that somebody leaves.

use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, ConversationKey};
use agentchat_store::tables::GroupMemberRow;
use agentchat_store::{Tx, Write};

use super::event::{GroupEvent, post};
use super::gate::{enter, lock};
use crate::Error;
use crate::messages::Posted;

/// Leaves a group. If no admin stays, whoever has been there longest becomes one; if nobody stays, the group ends.
#[derive(Debug, Clone, Copy)]
pub struct LeaveGroup {
    pub caller: AgentKey,
    pub group: ConversationId,
    /// For the leaving and for a promotion.
    pub messages: [MessageId; 2],
    pub now: Timestamp,
}

/// What came of a leaving.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// The new admin.
    pub promoted: Option<Handle>,
    pub posted: Vec<Posted>,
}

impl Write for LeaveGroup {
    type Out = Left;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Left, Error> {
        lock(tx, self.group);
        let inside = enter(tx, self.caller, self.group).await?;
        let (key, now) = (inside.key(), self.now.as_millis());
        tx.settle_conversation(self.caller, key, now).await?;
        tx.close_membership(self.caller, key, now).await?;
        tx.count_member_out(key).await?;
        let remaining = tx.group_members(key).await?;
        if remaining.is_empty() {
            tx.end_group(key, self.caller, now).await?;
            tx.delete_invites_into(key, i64::MAX).await?;
            return Ok(Left::default());
        }
        let leaver = Leaver { agent: self.caller, handle: inside.handle(), group: self.group, key };
        leaver.tell(tx, &remaining, self.messages, self.now).await
    }
}

/// Somebody whose membership was just closed.
pub(super) struct Leaver {
    pub(super) agent: AgentKey,
    pub(super) handle: Handle,
    pub(super) group: ConversationId,
    pub(super) key: ConversationKey,
}

impl Leaver {
    /// Tells those who stay, and gives them an admin. Group and members' inboxes are locked.
    pub(super) async fn tell(
        &self,
        tx: &mut Tx<'_>,
        remaining: &[GroupMemberRow],
        [left, promoted]: [MessageId; 2],
        now: Timestamp,
    ) -> Result<Left, Error> {
        let event = GroupEvent::MemberLeft { agent: self.handle.clone() };
        let mut posted = vec![post(tx, self.group, self.agent, &event, left, now).await?];
        let heir = remaining.first().filter(|_| !remaining.iter().any(|member| member.admin));
        if let Some(heir) = heir {
            tx.set_role(heir.agent, self.key, true).await?;
            let event = GroupEvent::AdminPromoted { agent: heir.handle.clone(), actor: None };
            posted.push(post(tx, self.group, heir.agent, &event, promoted, now).await?);
        }
        Ok(Left { promoted: heir.map(|heir| heir.handle.clone()), posted })
    }
}
