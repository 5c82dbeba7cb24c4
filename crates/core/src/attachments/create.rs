//! `POST /v1/uploads`.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::attachment::{NewUpload, UploadTarget};
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::AttachmentId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{AttachmentScope, NewAttachment};
use agentchat_store::{Tx, Write};

use super::storage_unavailable;
use crate::agents::read_live;
use crate::conversations::group_access;
use crate::{Error, Rejection};

/// How long a slot stays open, in milliseconds.
pub const SLOT_MS: i64 = 2 * 60 * 60 * 1000;

/// Makes a slot for a file.
#[derive(Debug, Clone)]
pub struct CreateUpload {
    pub caller: AgentKey,
    pub request: NewUpload,
    pub id: AttachmentId,
    /// Whether the object store works.
    pub storage_works: bool,
    pub now: Timestamp,
}

impl Write for CreateUpload {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        read_live(tx, self.caller).await?;
        let scope = match &self.request.target {
            UploadTarget::Agent(handle) => self.recipient(tx, handle.as_ref()).await?,
            UploadTarget::Group(group) => AttachmentScope::Group(group_access(tx, self.caller, *group).await?.key),
        };
        if !self.storage_works {
            return Err(storage_unavailable().into());
        }
        let now = self.now.as_millis();
        tx.insert_attachment(&NewAttachment {
            id: self.id,
            uploader: self.caller,
            scope,
            filename: &self.request.filename,
            content_type: &self.request.content_type,
            size: i64::try_from(self.request.size).unwrap_or(i64::MAX),
            sha256: &self.request.sha256,
            created_at: now,
            expires_at: now + SLOT_MS,
        })
        .await?;
        Ok(())
    }
}

impl CreateUpload {
    async fn recipient(&self, tx: &mut Tx<'_>, handle: Option<&Handle>) -> Result<AttachmentScope, Error> {
        let handle = handle.ok_or_else(Rejection::agent_not_found)?;
        let found = tx.agent_by_handle(handle).await?;
        let recipient = found
            .filter(|agent| matches!(agent.status, AgentStatus::Active | AgentStatus::Restricted))
            .ok_or_else(Rejection::agent_not_found)?;
        if recipient.key == self.caller {
            return Err(Rejection::field("to", "You cannot upload a file for yourself").into());
        }
        if tx.is_blocked_between(self.caller, recipient.key).await? {
            return Err(Rejection::new(ErrorCode::Blocked, "Messages between these agents are blocked").into());
        }
        Ok(AttachmentScope::Agent(recipient.key))
    }
}
