//! `GET /v1/groups/invites`, and `DELETE /v1/groups/invites/{id}`.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::group::GroupInvitation;
use agentchat_protocol::id::{ConversationId, InviteId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::InviteRow;
use agentchat_store::{Read, Tx, Write};

use crate::{Error, Rejection};

/// The caller's pending invitations, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct ListInvites {
    pub caller: AgentKey,
}

impl Read for ListInvites {
    type Out = Vec<GroupInvitation>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<GroupInvitation>, Error> {
        Ok(tx.invites_of(self.caller).await?.into_iter().map(invitation).collect())
    }
}

/// Declines an invitation; nobody is told.
#[derive(Debug, Clone, Copy)]
pub struct RejectInvite {
    pub caller: AgentKey,
    /// `None`: what the path names is no invitation's id.
    pub invite: Option<InviteId>,
}

impl Write for RejectInvite {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.lock_inboxes(&[self.caller]);
        let found = pending(tx, self.caller, self.invite).await?;
        Ok(tx.delete_invite(&found.id).await?)
    }
}

/// The caller's own pending invitation of that id.
pub(super) async fn pending(tx: &mut Tx<'_>, caller: AgentKey, id: Option<InviteId>) -> Result<InviteRow, Error> {
    let found = match id {
        Some(id) => tx.invite_of(caller, &id.bytes()).await?,
        None => None,
    };
    Ok(found.ok_or_else(|| Rejection::new(ErrorCode::InviteNotFound, "No such invitation"))?)
}

fn invitation(row: InviteRow) -> GroupInvitation {
    GroupInvitation {
        id: InviteId::from_bytes(row.id),
        group_id: ConversationId::group(row.group_id),
        group_name: row.group_name,
        group_description: row.group_description,
        group_avatar_url: row.group_avatar_url,
        group_member_count: row.group_members,
        inviter_handle: row.inviter_handle,
        created_at: Timestamp::from_millis(row.created_at),
    }
}
