//! `attachment` and `attachment_use`: files on their way and stored, and the messages that refer to them. The bytes are
//! elsewhere.

use agentchat_protocol::id::{AttachmentId, ConversationId, MessageId};

use crate::key::{AgentKey, AttachmentKey, ConversationKey};
use crate::row::Row;
use crate::{Engine, Result, StoreError, Tx};

/// For whom a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentScope {
    /// One agent.
    Agent(AgentKey),
    /// The members of a group.
    Group(ConversationKey),
}

/// What a new slot is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewAttachment<'a> {
    pub id: AttachmentId,
    pub uploader: AgentKey,
    pub scope: AttachmentScope,
    pub filename: &'a str,
    pub content_type: &'a str,
    /// Bytes.
    pub size: i64,
    pub sha256: &'a [u8; 32],
    pub created_at: i64,
    /// Of the slot, while it is empty.
    pub expires_at: i64,
}

/// A slot, empty or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentRow {
    pub key: AttachmentKey,
    pub id: AttachmentId,
    pub uploader: AgentKey,
    pub scope: AttachmentScope,
    /// The group it is for, if it is for one.
    pub group: Option<ConversationId>,
    pub filename: String,
    pub content_type: String,
    pub size: i64,
    pub sha256: [u8; 32],
    /// The bytes are there and are what was declared.
    pub complete: bool,
}

macro_rules! expired {
    ($lock:literal) => {
        concat!("SELECT id FROM attachment WHERE complete = 0 AND expires_at <= $1 ORDER BY expires_at LIMIT $2", $lock)
    };
}

impl Tx<'_> {
    /// Makes an empty slot.
    pub async fn insert_attachment(&mut self, new: &NewAttachment<'_>) -> Result<()> {
        let (recipient, conversation) = match new.scope {
            AttachmentScope::Agent(agent) => (Some(agent), None),
            AttachmentScope::Group(group) => (None, Some(group)),
        };
        self.execute_later(
            "INSERT INTO attachment (id, uploader, recipient, conversation, filename, content_type, size, sha256, \
                                     created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                (&new.id.bytes()).into(),
                new.uploader.into(),
                recipient.into(),
                conversation.into(),
                new.filename.into(),
                new.content_type.into(),
                new.size.into(),
                new.sha256.into(),
                new.created_at.into(),
                new.expires_at.into(),
            ],
        )
        .await
    }

    /// The slot of an id.
    pub async fn attachment(&mut self, id: AttachmentId) -> Result<Option<AttachmentRow>> {
        self.query_opt(
            "SELECT a.pk, a.id, a.uploader, a.recipient, a.conversation, c.id, a.filename, a.content_type, a.size, \
             a.sha256, a.complete FROM attachment a LEFT JOIN conversation c ON c.pk = a.conversation WHERE a.id = $1",
            &[(&id.bytes()).into()],
            attachment,
        )
        .await
    }

    /// The bytes are there. False when the slot is gone.
    pub async fn complete_attachment(&mut self, id: AttachmentId) -> Result<bool> {
        let changed = self.execute("UPDATE attachment SET complete = 1 WHERE id = $1", &[(&id.bytes()).into()]).await?;
        Ok(changed > 0)
    }

    /// A message that was stored in this transaction refers to an attachment.
    pub async fn use_attachment(&mut self, message: MessageId, attachment: AttachmentKey) -> Result<()> {
        self.execute_later(
            "INSERT INTO attachment_use (message, attachment) SELECT pk, $1 FROM message WHERE id = $2",
            &[attachment.into(), (&message.bytes()).into()],
        )
        .await
    }

    /// How many messages refer to an attachment.
    pub async fn count_uses(&mut self, id: AttachmentId) -> Result<i64> {
        let count = self
            .query_int(
                "SELECT COUNT(*) FROM attachment_use u JOIN attachment a ON a.pk = u.attachment WHERE a.id = $1",
                &[(&id.bytes()).into()],
            )
            .await?;
        Ok(count.unwrap_or(0))
    }

    /// Up to `limit` slots that stayed empty and have expired; they are held until the transaction ends.
    pub async fn expired_slots(&mut self, now: i64, limit: i64) -> Result<Vec<AttachmentId>> {
        let sql = match self.engine() {
            Engine::Sqlite => expired!(""),
            Engine::Postgres => expired!(" FOR UPDATE SKIP LOCKED"),
        };
        self.query_all(sql, &[now.into(), limit.into()], |row| row.bytes(0).map(AttachmentId::from_bytes)).await
    }

    /// Forgets a slot that stayed empty.
    pub async fn delete_slot(&mut self, id: AttachmentId) -> Result<()> {
        self.execute_later("DELETE FROM attachment WHERE id = $1 AND complete = 0", &[(&id.bytes()).into()]).await
    }
}

fn attachment(row: &Row<'_>) -> Result<AttachmentRow> {
    let (recipient, conversation) = (row.opt_int(3)?.map(AgentKey), row.opt_int(4)?.map(ConversationKey));
    let scope = match (recipient, conversation) {
        (Some(agent), None) => AttachmentScope::Agent(agent),
        (None, Some(group)) => AttachmentScope::Group(group),
        _ => return Err(StoreError::Internal("a stored attachment is for nobody".into())),
    };
    Ok(AttachmentRow {
        key: AttachmentKey(row.int(0)?),
        id: AttachmentId::from_bytes(row.bytes(1)?),
        uploader: AgentKey(row.int(2)?),
        scope,
        group: if row.is_null(5)? { None } else { Some(ConversationId::group(row.bytes(5)?)) },
        filename: row.text(6)?,
        content_type: row.text(7)?,
        size: row.int(8)?,
        sha256: row.bytes(9)?,
        complete: row.bool(10)?,
    })
}
