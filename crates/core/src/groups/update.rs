//! `PATCH /v1/groups/{id}`.

use agentchat_protocol::group::{GroupChanges, GroupDetail};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::GroupRow;
use agentchat_store::{Tx, Write};

use super::event::{GroupEvent, post};
use super::gate::{enter_as_admin, lock};
use super::show::{detail, profile};
use crate::Error;
use crate::messages::Posted;

/// Changes a group's profile, by one of its admins; each field that becomes another is told to the members.
#[derive(Debug, Clone)]
pub struct UpdateGroup {
    pub caller: AgentKey,
    pub group: ConversationId,
    pub changes: GroupChanges,
    /// One for each field.
    pub messages: [MessageId; 3],
    pub now: Timestamp,
}

/// A group after its change.
#[derive(Debug, Clone)]
pub struct Updated {
    pub group: GroupDetail,
    pub posted: Vec<Posted>,
}

impl Write for UpdateGroup {
    type Out = Updated;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Updated, Error> {
        lock(tx, self.group);
        let inside = enter_as_admin(tx, self.caller, self.group).await?;
        let mut group = profile(tx, inside.key()).await?;
        let events = self.apply(&mut group, &inside.handle());
        if !events.is_empty() {
            let (description, avatar_url) = (group.description.as_deref(), group.avatar_url.as_deref());
            tx.update_group(group.key, &group.name, description, avatar_url, self.now.as_millis()).await?;
        }
        let mut posted = Vec::with_capacity(events.len());
        for (event, id) in events.iter().zip(self.messages) {
            posted.push(post(tx, self.group, self.caller, event, id, self.now).await?);
        }
        Ok(Updated { group: detail(tx, self.caller, group.key).await?, posted })
    }
}

impl UpdateGroup {
    /// Makes the changes; answers what really changed.
    fn apply(&self, group: &mut GroupRow, actor: &Handle) -> Vec<GroupEvent> {
        let mut events = Vec::new();
        if change(&mut group.name, self.changes.name.as_ref()) {
            events.push(GroupEvent::NameChanged { new_name: group.name.clone(), actor: actor.clone() });
        }
        if change(&mut group.description, self.changes.description.as_ref()) {
            events.push(GroupEvent::DescriptionChanged { actor: actor.clone() });
        }
        if change(&mut group.avatar_url, self.changes.avatar_url.as_ref()) {
            events.push(GroupEvent::AvatarChanged { actor: actor.clone() });
        }
        events
    }
}

/// Whether the field becomes another.
fn change<T: Clone + PartialEq>(field: &mut T, wanted: Option<&T>) -> bool {
    match wanted {
        Some(wanted) if wanted != field => {
            *field = wanted.clone();
            true
        }
        _ => false,
    }
}
