//! The attachment a message refers to (wire.md §5.4 step 10, §5.5 step 4).

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::AttachmentId;
use agentchat_store::Tx;
use agentchat_store::key::{AgentKey, AttachmentKey};
use agentchat_store::tables::AttachmentScope;

use crate::{Error, Rejection};

/// Whether a sender may refer to an attachment in a message to `scope`: it uploaded it, for just them, and it is there.
///
/// # Errors
/// `ATTACHMENT_NOT_FOUND`, then `ATTACHMENT_WRONG_SCOPE`, then `ATTACHMENT_NOT_READY`.
pub(crate) async fn check(
    tx: &mut Tx<'_>,
    sender: AgentKey,
    scope: AttachmentScope,
    attachment_id: &str,
) -> Result<AttachmentKey, Error> {
    let found = match attachment_id.parse::<AttachmentId>() {
        Ok(id) => tx.attachment(id).await?,
        Err(_) => None,
    };
    let attachment = found
        .filter(|attachment| attachment.uploader == sender)
        .ok_or_else(|| Rejection::new(ErrorCode::AttachmentNotFound, "No such attachment of yours"))?;
    if attachment.scope != scope {
        let text = "The attachment was uploaded for another recipient or group; upload it for this one";
        return Err(Rejection::new(ErrorCode::AttachmentWrongScope, text).into());
    }
    if !attachment.complete {
        let text = "The attachment's bytes are not there yet; PUT them to its upload_url first";
        return Err(Rejection::new(ErrorCode::AttachmentNotReady, text).into());
    }
    Ok(attachment.key)
}
