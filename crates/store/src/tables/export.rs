//! What an export walks through: an agent's conversations, and the attachments it may see.

use agentchat_protocol::id::{AttachmentId, ConversationId};

use super::conversations::GROUP;
use crate::key::{AgentKey, AttachmentKey, ConversationKey};
use crate::row::Row;
use crate::{Result, Tx};

/// What an agent may see of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub conversation: ConversationKey,
    pub id: ConversationId,
    /// Messages with a higher seq.
    pub above: i64,
    /// The last seq at that moment.
    pub through: i64,
}

/// What is known of a file besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentFacts {
    pub key: AttachmentKey,
    pub id: AttachmentId,
    pub filename: String,
    pub content_type: String,
    pub size: i64,
    pub sha256: [u8; 32],
    pub created_at: i64,
}

macro_rules! facts {
    ($first:literal, $rest:literal) => {
        concat!("SELECT ", $first, ", t.pk, t.id, t.filename, t.content_type, t.size, t.sha256, t.created_at ", $rest)
    };
}

fn facts(row: &Row<'_>) -> Result<(i64, AttachmentFacts)> {
    let facts = AttachmentFacts {
        key: AttachmentKey(row.int(1)?),
        id: AttachmentId::from_bytes(row.bytes(2)?),
        filename: row.text(3)?,
        content_type: row.text(4)?,
        size: row.int(5)?,
        sha256: row.bytes(6)?,
        created_at: row.int(7)?,
    };
    Ok((row.int(0)?, facts))
}

impl Tx<'_> {
    /// Every conversation whose history `agent` may ask for, hidden ones included.
    pub async fn spans(&mut self, agent: AgentKey) -> Result<Vec<Span>> {
        self.query_all(
            "SELECT c.pk, c.id, c.kind, b.hidden_seq, b.joined_seq, c.last_seq FROM member b \
             JOIN conversation c ON c.pk = b.conversation \
             WHERE b.agent = $1 AND b.left_at IS NULL AND c.deleted_at IS NULL ORDER BY b.conversation",
            &[agent.into()],
            |row| {
                let id = row.bytes(1)?;
                Ok(Span {
                    conversation: ConversationKey(row.int(0)?),
                    id: if row.int(2)? == GROUP { ConversationId::group(id) } else { ConversationId::direct(id) },
                    above: row.int(3)?.max(row.int(4)? - 1),
                    through: row.int(5)?,
                })
            },
        )
        .await
    }

    /// Attachments of the messages of a span that `agent` did not hide, each with the seq of its message, ascending.
    pub async fn attachments_in(
        &mut self,
        agent: AgentKey,
        span: &Span,
        limit: i64,
    ) -> Result<Vec<(i64, AttachmentFacts)>> {
        self.query_all(
            facts!(
                "m.seq",
                "FROM message m JOIN attachment_use u ON u.message = m.pk JOIN attachment t ON t.pk = u.attachment \
                 WHERE m.conversation = $1 AND m.seq > $2 AND m.seq <= $3 AND m.content <> '' \
                 AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.agent = $4 AND h.message = m.pk) \
                 ORDER BY m.seq LIMIT $5"
            ),
            &[span.conversation.into(), span.above.into(), span.through.into(), agent.into(), limit.into()],
            facts,
        )
        .await
    }

    /// Complete uploads of `agent` behind one, that were begun before a time.
    pub async fn uploads_of(
        &mut self,
        agent: AgentKey,
        after: AttachmentKey,
        before: i64,
        limit: i64,
    ) -> Result<Vec<AttachmentFacts>> {
        let params = [agent.into(), after.into(), before.into(), limit.into()];
        let found = self.query_all(
            facts!(
                "t.pk",
                "FROM attachment t WHERE t.uploader = $1 AND t.pk > $2 AND t.created_at <= $3 AND t.complete = 1 \
                 ORDER BY t.pk LIMIT $4"
            ),
            &params,
            facts,
        );
        Ok(found.await?.into_iter().map(|(_, facts)| facts).collect())
    }
}
