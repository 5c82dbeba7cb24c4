//! `PUT` and `DELETE /v1/groups/{id}/avatar`.

use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx, Write};

use super::{none_set, replaced};
use crate::Error;
use crate::groups::event::{GroupEvent, post};
use crate::groups::{enter_as_admin, lock_group, profile};
use crate::messages::Posted;

/// Whether the caller may change the group: gate GA, before anything is done with a picture.
#[derive(Debug, Clone, Copy)]
pub struct CheckGroupAdmin {
    pub caller: AgentKey,
    pub group: ConversationId,
}

impl Read for CheckGroupAdmin {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        enter_as_admin(tx, self.caller, self.group).await.map(drop)
    }
}

/// What became of a group's avatar.
#[derive(Debug, Clone)]
pub struct GroupAvatarChanged {
    /// `None`: nothing changed.
    pub posted: Option<Posted>,
}

/// Gives a group another avatar, by one of its admins, in place of one of elsewhere; the same one again changes nothing.
#[derive(Debug, Clone)]
pub struct SetGroupAvatar {
    pub caller: AgentKey,
    pub group: ConversationId,
    /// The `avatar_key` of a picture that is stored.
    pub avatar: String,
    pub message: MessageId,
    pub now: Timestamp,
}

impl Write for SetGroupAvatar {
    type Out = GroupAvatarChanged;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<GroupAvatarChanged, Error> {
        lock_group(tx, self.group);
        let inside = enter_as_admin(tx, self.caller, self.group).await?;
        let group = profile(tx, inside.key()).await?;
        let old = group.avatar.as_deref().filter(|old| *old != self.avatar);
        replaced(tx, old, Some(&self.avatar), self.now).await?;
        tx.set_group_avatar(group.key, Some(&self.avatar), self.now).await?;
        if group.avatar.as_ref() == Some(&self.avatar) {
            return Ok(GroupAvatarChanged { posted: None });
        }
        let event = GroupEvent::AvatarChanged { actor: inside.handle() };
        let posted = post(tx, self.group, self.caller, &event, self.message, self.now).await?;
        Ok(GroupAvatarChanged { posted: Some(posted) })
    }
}

/// Takes a group's avatar away, by one of its admins: the uploaded one and the one of elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct ClearGroupAvatar {
    pub caller: AgentKey,
    pub group: ConversationId,
    pub message: MessageId,
    pub now: Timestamp,
}

impl Write for ClearGroupAvatar {
    type Out = GroupAvatarChanged;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<GroupAvatarChanged, Error> {
        lock_group(tx, self.group);
        let inside = enter_as_admin(tx, self.caller, self.group).await?;
        let group = profile(tx, inside.key()).await?;
        if group.avatar.is_none() && group.avatar_url.is_none() {
            return Err(none_set().into());
        }
        replaced(tx, group.avatar.as_deref(), None, self.now).await?;
        tx.set_group_avatar(group.key, None, self.now).await?;
        let event = GroupEvent::AvatarChanged { actor: inside.handle() };
        let posted = post(tx, self.group, self.caller, &event, self.message, self.now).await?;
        Ok(GroupAvatarChanged { posted: Some(posted) })
    }
}
