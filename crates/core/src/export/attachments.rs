//! What is known of files: of those in messages, and of the agent's own uploads.

use std::fmt::Write;

use agentchat_protocol::id::AttachmentId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, AttachmentKey};
use agentchat_store::tables::{AttachmentFacts, Span};
use agentchat_store::{Read, Tx};
use serde::Serialize;

use crate::Error;

/// A file without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportedAttachment {
    pub id: AttachmentId,
    pub filename: String,
    pub content_type: String,
    pub size: i64,
    /// In hexadecimal.
    pub sha256: String,
    pub created_at: Timestamp,
}

/// It, and what tells it from the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundAttachment {
    pub key: AttachmentKey,
    pub attachment: ExportedAttachment,
}

impl From<AttachmentFacts> for FoundAttachment {
    fn from(facts: AttachmentFacts) -> Self {
        let sha256 = facts.sha256.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        });
        let AttachmentFacts { key, id, filename, content_type, size, created_at, .. } = facts;
        let created_at = Timestamp::from_millis(created_at);
        Self { key, attachment: ExportedAttachment { id, filename, content_type, size, sha256, created_at } }
    }
}

/// A page of what messages of a conversation refer to; a file may come up more than once.
#[derive(Debug, Clone, Copy)]
pub struct ExportAttachments {
    pub agent: AgentKey,
    /// What is left of it.
    pub span: Span,
    pub limit: i64,
}

impl Read for ExportAttachments {
    /// The page, and where the next one begins.
    type Out = (Vec<FoundAttachment>, Option<i64>);
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let found = tx.attachments_in(self.agent, &self.span, self.limit).await?;
        let above = found.last().map(|(seq, _)| *seq).filter(|_| found.len() as i64 >= self.limit);
        Ok((found.into_iter().map(|(_, facts)| facts.into()).collect(), above))
    }
}

/// A page of what the agent uploaded itself, used or not.
#[derive(Debug, Clone, Copy)]
pub struct ExportUploads {
    pub agent: AgentKey,
    pub after: AttachmentKey,
    /// Those that were begun by then.
    pub until: Timestamp,
    pub limit: i64,
}

impl Read for ExportUploads {
    type Out = Vec<FoundAttachment>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<FoundAttachment>, Error> {
        let found = tx.uploads_of(self.agent, self.after, self.until.as_millis(), self.limit).await?;
        Ok(found.into_iter().map(FoundAttachment::from).collect())
    }
}
