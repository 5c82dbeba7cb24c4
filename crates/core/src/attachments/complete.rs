//! `PUT <upload_url>`: what was declared, and that it has arrived.

use agentchat_protocol::id::AttachmentId;
use agentchat_store::tables::AttachmentRow;
use agentchat_store::{Read, Tx, Write};

use crate::Error;

/// The slot of a signed address, empty or not.
#[derive(Debug, Clone, Copy)]
pub struct FindUpload {
    pub id: AttachmentId,
}

impl Read for FindUpload {
    /// `None` when it is purged.
    type Out = Option<AttachmentRow>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<AttachmentRow>, Error> {
        Ok(tx.attachment(self.id).await?)
    }
}

/// The bytes are in the object store, durably, and are what was declared.
#[derive(Debug, Clone, Copy)]
pub struct CompleteUpload {
    pub id: AttachmentId,
}

impl Write for CompleteUpload {
    /// False when the slot was purged meanwhile.
    type Out = bool;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        Ok(tx.complete_attachment(self.id).await?)
    }
}
