//! `GET /v1/groups/{id}`.

use agentchat_protocol::conversation::GroupRole;
use agentchat_protocol::group::{GroupDetail, GroupMember, GroupSettings};
use agentchat_protocol::id::ConversationId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, ConversationKey};
use agentchat_store::tables::{GroupMemberRow, GroupRow};
use agentchat_store::{Read, StoreError, Tx};

use crate::Error;
use crate::avatars::avatar_path;
use crate::conversations::group_access;

/// A group as one of its members sees it.
#[derive(Debug, Clone, Copy)]
pub struct ShowGroup {
    pub caller: AgentKey,
    pub group: ConversationId,
}

impl Read for ShowGroup {
    type Out = GroupDetail;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<GroupDetail, Error> {
        let seat = group_access(tx, self.caller, self.group).await?;
        detail(tx, self.caller, seat.key).await
    }
}

/// The group as `viewer`, an active member, sees it.
pub(super) async fn detail(tx: &mut Tx<'_>, viewer: AgentKey, key: ConversationKey) -> Result<GroupDetail, Error> {
    let group = profile(tx, key).await?;
    let members = tx.group_members(key).await?;
    let your_role = members.iter().find(|member| member.agent == viewer).map_or(GroupRole::Member, role);
    let avatar_url = shown_avatar(&group);
    Ok(GroupDetail {
        id: ConversationId::group(group.id),
        name: group.name,
        description: group.description,
        avatar_url,
        created_by: group.creator_handle,
        settings: GroupSettings::default(),
        member_count: group.members,
        created_at: Timestamp::from_millis(group.created_at),
        last_message_at: group.last_at.map(Timestamp::from_millis),
        members: members.into_iter().map(member).collect(),
        your_role,
    })
}

/// Where its picture is: the uploaded one wins.
pub(super) fn shown_avatar(group: &GroupRow) -> Option<String> {
    group.avatar.as_deref().map(avatar_path).or_else(|| group.avatar_url.clone())
}

/// The stored group, which is there.
pub(crate) async fn profile(tx: &mut Tx<'_>, key: ConversationKey) -> Result<GroupRow, Error> {
    let found = tx.group(key).await?;
    Ok(found.ok_or_else(|| StoreError::Internal(format!("group {} has no profile", key.0)))?)
}

fn member(row: GroupMemberRow) -> GroupMember {
    GroupMember {
        role: role(&row),
        handle: row.handle,
        display_name: row.display_name,
        joined_at: Timestamp::from_millis(row.joined_at),
    }
}

fn role(row: &GroupMemberRow) -> GroupRole {
    if row.admin { GroupRole::Admin } else { GroupRole::Member }
}
