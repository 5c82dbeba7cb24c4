//! `GET /v1/attachments/{id}`, and what its signed address leads to.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::{AttachmentId, ConversationId};
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{AttachmentRow, AttachmentScope};
use agentchat_store::{Read, Tx};

use super::not_found;
use crate::conversations::group_access;
use crate::{Error, Rejection};

/// An attachment, if `viewer` may fetch it: whoever uploaded it and whom it is for, whatever happened between them.
#[derive(Debug, Clone, Copy)]
pub struct ShowAttachment {
    pub viewer: AgentKey,
    /// `None`: what was asked for is no id, so nothing's.
    pub id: Option<AttachmentId>,
}

impl Read for ShowAttachment {
    type Out = AttachmentRow;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<AttachmentRow, Error> {
        let id = self.id.ok_or_else(not_found)?;
        let attachment = tx.attachment(id).await?.ok_or_else(not_found)?;
        let meant = match attachment.group {
            Some(group) => self.is_in(tx, group).await?,
            None => attachment.scope == AttachmentScope::Agent(self.viewer),
        };
        let allowed = meant || attachment.uploader == self.viewer;
        if !allowed || !attachment.complete {
            return Err(not_found().into());
        }
        Ok(attachment)
    }
}

impl ShowAttachment {
    /// Whether the viewer is a member of the group; of a deleted one, whoever was in it is told.
    async fn is_in(&self, tx: &mut Tx<'_>, group: ConversationId) -> Result<bool, Error> {
        match group_access(tx, self.viewer, group).await {
            Ok(_) => Ok(true),
            Err(Error::Rejected(Rejection { code: ErrorCode::GroupNotFound, .. })) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

/// The complete attachment of a signed address.
#[derive(Debug, Clone, Copy)]
pub struct FindDownload {
    pub id: AttachmentId,
}

impl Read for FindDownload {
    type Out = AttachmentRow;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<AttachmentRow, Error> {
        let found = tx.attachment(self.id).await?;
        Ok(found.filter(|attachment| attachment.complete).ok_or_else(not_found)?)
    }
}
