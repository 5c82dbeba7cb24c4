//! `message` and `sent`: what was said, once.

use crate::key::{AgentKey, ConversationKey, MessageKey};
use crate::row::Row;
use crate::{Result, StoreError, Tx};

/// A message to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'a> {
    pub id: &'a [u8; 16],
    pub conversation: ConversationKey,
    pub seq: i64,
    pub sender: AgentKey,
    pub kind: i64,
    pub created_at: i64,
    pub client_msg_id: &'a str,
    pub content: &'a str,
    /// None: `{}`.
    pub metadata: Option<&'a str>,
    /// None: none; else handles separated by spaces.
    pub mentions: Option<&'a str>,
}

/// A stored message with the state of its envelope. In a direct conversation there is exactly one: the one of the
/// party that did not send it.
#[derive(Debug, Clone)]
pub struct MessageRow {
    pub key: MessageKey,
    pub id: [u8; 16],
    pub conversation: ConversationKey,
    pub conversation_id: [u8; 16],
    pub seq: i64,
    pub sender: AgentKey,
    pub sender_handle: String,
    /// None also for deleted accounts.
    pub sender_name: Option<String>,
    pub sender_is_system: bool,
    pub kind: i64,
    pub created_at: i64,
    pub client_msg_id: String,
    pub content: String,
    pub metadata: Option<String>,
    pub mentions: Option<String>,
    pub envelope: Option<EnvelopeState>,
}

/// How far a message got with its recipient.
#[derive(Debug, Clone, Copy)]
pub struct EnvelopeState {
    pub recipient: AgentKey,
    pub position: i64,
    pub delivered: bool,
    pub delivered_at: Option<i64>,
    pub read_at: Option<i64>,
    pub quiet: bool,
}

macro_rules! message_columns {
    () => {
        "SELECT m.pk, m.id, m.conversation, c.id, m.seq, m.sender, a.handle, \
         CASE WHEN a.status = 3 THEN NULL ELSE a.display_name END, a.is_system, m.kind, m.created_at, \
         m.client_msg_id, m.content, m.metadata, m.mentions, \
         e.recipient, e.position, e.status, \
         COALESCE(e.delivered_at, (SELECT d.deleted_at FROM agent d WHERE d.pk = e.recipient)), e.quiet, \
         (SELECT r.at FROM read_mark r WHERE r.agent = e.recipient AND r.conversation = m.conversation \
          AND r.through_seq >= m.seq ORDER BY r.through_seq LIMIT 1) "
    };
}

macro_rules! from_message {
    () => {
        "FROM message m JOIN conversation c ON c.pk = m.conversation JOIN agent a ON a.pk = m.sender \
         LEFT JOIN envelope e ON e.message = m.pk \
         AND e.recipient = CASE WHEN m.sender = c.low THEN c.high ELSE c.low END "
    };
}

macro_rules! visible {
    () => {
        "WHERE NOT EXISTS (SELECT 1 FROM hidden h WHERE h.agent = $1 AND h.message = m.pk) "
    };
}

fn message(row: &Row<'_>) -> Result<MessageRow> {
    Ok(MessageRow {
        key: MessageKey(row.int(0)?),
        id: row.bytes(1)?,
        conversation: ConversationKey(row.int(2)?),
        conversation_id: row.bytes(3)?,
        seq: row.int(4)?,
        sender: AgentKey(row.int(5)?),
        sender_handle: row.text(6)?,
        sender_name: row.opt_text(7)?,
        sender_is_system: row.bool(8)?,
        kind: row.int(9)?,
        created_at: row.int(10)?,
        client_msg_id: row.text(11)?,
        content: row.text(12)?,
        metadata: row.opt_text(13)?,
        mentions: row.opt_text(14)?,
        envelope: row.opt_int(15)?.map(|recipient| envelope(row, recipient)).transpose()?,
    })
}

fn envelope(row: &Row<'_>, recipient: i64) -> Result<EnvelopeState> {
    Ok(EnvelopeState {
        recipient: AgentKey(recipient),
        position: row.int(16)?,
        // What waits for a deleted account counts as delivered at its end, cleared already or not.
        delivered: row.int(17)? != 0 || !row.is_null(18)?,
        delivered_at: row.opt_int(18)?,
        quiet: row.bool(19)?,
        read_at: row.opt_int(20)?,
    })
}

/// Which part of a conversation's history is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryCursor {
    /// The newest rows below this seq, newest first.
    Before(i64),
    /// The rows right after this seq, oldest first.
    After(i64),
}

impl Tx<'_> {
    /// Stores a message.
    pub async fn insert_message(&mut self, new: NewMessage<'_>) -> Result<MessageKey> {
        self.query_int(
            "INSERT INTO message (id, conversation, seq, sender, kind, created_at, client_msg_id, content, metadata, \
             mentions) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING pk",
            &[
                new.id.into(),
                new.conversation.into(),
                new.seq.into(),
                new.sender.into(),
                new.kind.into(),
                new.created_at.into(),
                new.client_msg_id.into(),
                new.content.into(),
                new.metadata.into(),
                new.mentions.into(),
            ],
        )
        .await?
        .map(MessageKey)
        .ok_or_else(|| StoreError::Internal("a new message has no key".into()))
    }

    /// Records that (sender, `client_msg_id`) is taken.
    pub async fn insert_sent(
        &mut self,
        sender: AgentKey,
        key16: &[u8; 16],
        message: MessageKey,
        target: ConversationKey,
        payload_hash: &[u8; 16],
    ) -> Result<()> {
        self.execute(
            "INSERT INTO sent (sender, key16, message, target, payload_hash) VALUES ($1, $2, $3, $4, $5)",
            &[sender.into(), key16.into(), message.into(), target.into(), payload_hash.into()],
        )
        .await?;
        Ok(())
    }

    /// One message by its key.
    pub async fn message(&mut self, key: MessageKey) -> Result<Option<MessageRow>> {
        self.query_opt(concat!(message_columns!(), from_message!(), "WHERE m.pk = $1"), &[key.into()], message).await
    }

    /// One message by its public id.
    pub async fn message_by_id(&mut self, id: &[u8; 16]) -> Result<Option<MessageRow>> {
        self.query_opt(concat!(message_columns!(), from_message!(), "WHERE m.id = $1"), &[id.into()], message).await
    }

    /// Rows of a conversation that `viewer` did not hide, above the seq `floor`.
    pub async fn history(
        &mut self,
        viewer: AgentKey,
        conversation: ConversationKey,
        floor: i64,
        cursor: HistoryCursor,
        limit: i64,
    ) -> Result<Vec<MessageRow>> {
        match cursor {
            HistoryCursor::Before(seq) => {
                self.query_all(
                    concat!(
                        message_columns!(),
                        from_message!(),
                        visible!(),
                        "AND m.conversation = $2 AND m.seq > $3 AND m.seq < $4 ORDER BY m.seq DESC LIMIT $5"
                    ),
                    &[viewer.into(), conversation.into(), floor.into(), seq.into(), limit.into()],
                    message,
                )
                .await
            }
            HistoryCursor::After(seq) => {
                self.query_all(
                    concat!(
                        message_columns!(),
                        from_message!(),
                        visible!(),
                        "AND m.conversation = $2 AND m.seq > $3 ORDER BY m.seq LIMIT $4"
                    ),
                    &[viewer.into(), conversation.into(), floor.max(seq).into(), limit.into()],
                    message,
                )
                .await
            }
        }
    }

    /// The viewer's own visible rows with `after` < seq < `before`, newest first.
    pub async fn own_rows(
        &mut self,
        viewer: AgentKey,
        conversation: ConversationKey,
        after: i64,
        before: i64,
        limit: i64,
    ) -> Result<Vec<MessageRow>> {
        self.query_all(
            concat!(
                message_columns!(),
                from_message!(),
                visible!(),
                "AND m.conversation = $2 AND m.seq > $3 AND m.seq < $4 AND m.sender = $1 ORDER BY m.seq DESC LIMIT $5"
            ),
            &[viewer.into(), conversation.into(), after.into(), before.into(), limit.into()],
            message,
        )
        .await
    }

    /// The newest row of a conversation that `viewer` sees.
    pub async fn newest_visible(
        &mut self,
        viewer: AgentKey,
        conversation: ConversationKey,
        floor: i64,
    ) -> Result<Option<MessageRow>> {
        let newest = self.history(viewer, conversation, floor, HistoryCursor::Before(i64::MAX), 1).await?;
        Ok(newest.into_iter().next())
    }

    /// The newest message of `sender` that is not a system message, with `after` < seq ≤ `through`: id and seq.
    pub async fn newest_from(
        &mut self,
        conversation: ConversationKey,
        sender: AgentKey,
        after: i64,
        through: i64,
    ) -> Result<Option<([u8; 16], i64)>> {
        self.query_opt(
            "SELECT id, seq FROM message WHERE conversation = $1 AND sender = $2 AND kind <> 3 AND seq > $3 \
             AND seq <= $4 ORDER BY seq DESC LIMIT 1",
            &[conversation.into(), sender.into(), after.into(), through.into()],
            |row| Ok((row.bytes(0)?, row.int(1)?)),
        )
        .await
    }

    /// The stored envelopes of `recipient` behind a position, ascending, without hidden messages.
    pub async fn waiting_messages(&mut self, recipient: AgentKey, after: i64, limit: i64) -> Result<Vec<MessageRow>> {
        self.query_all(
            concat!(
                message_columns!(),
                "FROM envelope e JOIN message m ON m.pk = e.message JOIN conversation c ON c.pk = m.conversation ",
                "JOIN agent a ON a.pk = m.sender ",
                visible!(),
                "AND e.recipient = $1 AND e.status = 0 AND e.position > $2 ORDER BY e.position LIMIT $3"
            ),
            &[recipient.into(), after.into(), limit.into()],
            message,
        )
        .await
    }
}
