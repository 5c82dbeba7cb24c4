//! `message` and `sent`: what was said, once.

use crate::key::{AgentKey, ConversationKey, MessageKey};
use crate::row::Row;
use crate::{Engine, Result, StoreError, Tx};

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
    /// Where it stands in a trace: traceparent, and after a line break tracestate.
    pub trace: Option<&'a str>,
    pub expires_at: Option<i64>,
}

/// A stored message with the state of its envelope, as one viewer sees it: of what it received its own, of what it
/// sent the recipients' (of a group's all together).
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
    pub trace: Option<String>,
    pub expires_at: Option<i64>,
    /// None: a direct message.
    pub group: Option<GroupFacts>,
    pub envelope: Option<EnvelopeState>,
}

/// What rows of a group say about it.
#[derive(Debug, Clone)]
pub struct GroupFacts {
    pub name: String,
    pub members: i64,
}

/// How far a message got with its recipient.
#[derive(Debug, Clone, Copy)]
pub struct EnvelopeState {
    /// None: all recipients of a group together; `position` means nothing then.
    pub recipient: Option<AgentKey>,
    pub position: i64,
    pub delivered: bool,
    pub delivered_at: Option<i64>,
    pub read_at: Option<i64>,
    pub quiet: bool,
    /// It left the queue by itself; whether that was written yet or not.
    pub expired: bool,
}

macro_rules! message_columns {
    () => {
        "SELECT m.pk, m.id, m.conversation, c.id, m.seq, m.sender, a.handle, \
         CASE WHEN a.status = 3 THEN NULL ELSE a.display_name END, a.is_system, m.kind, m.created_at, \
         m.client_msg_id, m.content, m.metadata, m.mentions, m.expires_at, \
         CASE WHEN c.kind = 1 THEN (SELECT g.name FROM group_profile g WHERE g.conversation = c.pk) END, c.members, \
         e.recipient, e.position, e.status, \
         COALESCE(e.delivered_at, (SELECT d.deleted_at FROM agent d WHERE d.pk = e.recipient)), e.quiet, \
         (SELECT r.at FROM read_mark r WHERE r.agent = e.recipient AND r.conversation = m.conversation \
          AND r.through_seq >= m.seq ORDER BY r.through_seq LIMIT 1), m.trace "
    };
}

/// `$1` is the viewer. A direct message has one envelope, which both sides see; of a group's the viewer sees its own.
macro_rules! from_message {
    () => {
        "FROM message m JOIN conversation c ON c.pk = m.conversation JOIN agent a ON a.pk = m.sender \
         LEFT JOIN envelope e ON e.message = m.pk AND e.recipient = \
         CASE WHEN c.kind = 1 THEN $1 WHEN m.sender = c.low THEN c.high ELSE c.low END "
    };
}

/// Stubs of emptied messages are shown to nobody.
macro_rules! visible {
    () => {
        "WHERE m.content <> '' AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.agent = $1 AND h.message = m.pk) "
    };
}

fn message(row: &Row<'_>, now: i64) -> Result<MessageRow> {
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
        trace: row.opt_text(24)?,
        expires_at: row.opt_int(15)?,
        group: row.opt_text(16)?.map(|name| group(row, name)).transpose()?,
        envelope: row.opt_int(18)?.map(|recipient| envelope(row, recipient, now)).transpose()?,
    })
}

fn group(row: &Row<'_>, name: String) -> Result<GroupFacts> {
    Ok(GroupFacts { name, members: row.int(17)? })
}

fn envelope(row: &Row<'_>, recipient: i64, now: i64) -> Result<EnvelopeState> {
    let status = row.int(20)?;
    // What waits for a deleted account counts as delivered at its end, cleared already or not.
    let delivered_at = row.opt_int(21)?;
    let expires_at = row.opt_int(15)?.unwrap_or(i64::MAX);
    let expired = status == EXPIRED || (status == STORED && expires_at <= delivered_at.unwrap_or(now));
    Ok(EnvelopeState {
        recipient: Some(AgentKey(recipient)),
        position: row.int(19)?,
        delivered: !expired && (status != STORED || delivered_at.is_some()),
        delivered_at: delivered_at.filter(|_| !expired),
        quiet: row.bool(22)?,
        read_at: row.opt_int(23)?,
        expired,
    })
}

/// `envelope.status`: waiting, or gone by itself. 1 is delivered.
const STORED: i64 = 0;
const EXPIRED: i64 = 2;

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
        let key = self
            .query_int(
                "INSERT INTO message (id, conversation, seq, sender, kind, created_at, client_msg_id, content, \
                 metadata, mentions, trace, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING pk",
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
                    new.trace.into(),
                    new.expires_at.into(),
                ],
            )
            .await?
            .map(MessageKey)
            .ok_or_else(|| StoreError::Internal("a new message has no key".into()))?;
        // On SQLite keys rise in the order of the commits; there the index follows them by itself.
        if self.engine() == Engine::Postgres {
            self.execute_later("INSERT INTO to_index (message) VALUES ($1)", &[key.into()]).await?;
        }
        Ok(key)
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

    /// One message by its key, as `viewer` sees it at `now`, also if it is a stub; whether it may is the caller's to ask.
    pub async fn message(&mut self, viewer: AgentKey, key: MessageKey, now: i64) -> Result<Option<MessageRow>> {
        let found = self
            .query_opt(
                concat!(message_columns!(), from_message!(), "WHERE m.pk = $2"),
                &[viewer.into(), key.into()],
                |row| message(row, now),
            )
            .await?;
        self.with_progress(viewer, found, now).await
    }

    /// One message by its public id, as `viewer` sees it at `now`; whether it may is the caller's to ask.
    pub async fn message_by_id(&mut self, viewer: AgentKey, id: &[u8; 16], now: i64) -> Result<Option<MessageRow>> {
        let found = self
            .query_opt(
                concat!(message_columns!(), from_message!(), "WHERE m.id = $2 AND m.content <> ''"),
                &[viewer.into(), id.into()],
                |row| message(row, now),
            )
            .await?;
        self.with_progress(viewer, found, now).await
    }

    /// Rows of a conversation that `viewer` did not hide, above the seq `floor`.
    pub async fn history(
        &mut self,
        viewer: AgentKey,
        conversation: ConversationKey,
        floor: i64,
        cursor: HistoryCursor,
        limit: i64,
        now: i64,
    ) -> Result<Vec<MessageRow>> {
        let rows = match cursor {
            HistoryCursor::Before(seq) => {
                self.query_all(
                    concat!(
                        message_columns!(),
                        from_message!(),
                        visible!(),
                        "AND m.conversation = $2 AND m.seq > $3 AND m.seq < $4 ORDER BY m.seq DESC LIMIT $5"
                    ),
                    &[viewer.into(), conversation.into(), floor.into(), seq.into(), limit.into()],
                    |row| message(row, now),
                )
                .await?
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
                    |row| message(row, now),
                )
                .await?
            }
        };
        self.with_progress(viewer, rows, now).await
    }

    /// The viewer's own visible rows with `after` < seq < `before`, newest first.
    pub async fn own_rows(
        &mut self,
        viewer: AgentKey,
        conversation: ConversationKey,
        after: i64,
        before: i64,
        limit: i64,
        now: i64,
    ) -> Result<Vec<MessageRow>> {
        let rows = self
            .query_all(
                concat!(
                    message_columns!(),
                    from_message!(),
                    visible!(),
                    "AND m.conversation = $2 AND m.seq > $3 AND m.seq < $4 AND m.sender = $1 \
                     ORDER BY m.seq DESC LIMIT $5"
                ),
                &[viewer.into(), conversation.into(), after.into(), before.into(), limit.into()],
                |row| message(row, now),
            )
            .await?;
        self.with_progress(viewer, rows, now).await
    }

    /// The newest row of a conversation that `viewer` sees; how far it got is not asked.
    pub async fn newest_visible(
        &mut self,
        viewer: AgentKey,
        conversation: ConversationKey,
        floor: i64,
    ) -> Result<Option<MessageRow>> {
        self.query_opt(
            concat!(
                message_columns!(),
                from_message!(),
                visible!(),
                "AND m.conversation = $2 AND m.seq > $3 ORDER BY m.seq DESC LIMIT 1"
            ),
            &[viewer.into(), conversation.into(), floor.into()],
            |row| message(row, 0),
        )
        .await
    }

    /// The newest message of `sender` that is not a system message, with `after` < seq ≤ `through`, and that was
    /// delivered to `reader` (not so one that expired): id and seq.
    pub async fn newest_from(
        &mut self,
        conversation: ConversationKey,
        sender: AgentKey,
        reader: AgentKey,
        after: i64,
        through: i64,
    ) -> Result<Option<([u8; 16], i64)>> {
        self.query_opt(
            "SELECT m.id, m.seq FROM message m WHERE m.conversation = $1 AND m.sender = $2 AND m.kind <> 3 \
             AND m.seq > $3 AND m.seq <= $4 \
             AND EXISTS (SELECT 1 FROM envelope e WHERE e.message = m.pk AND e.recipient = $5 AND e.status = 1) \
             ORDER BY m.seq DESC LIMIT 1",
            &[conversation.into(), sender.into(), after.into(), through.into(), reader.into()],
            |row| Ok((row.bytes(0)?, row.int(1)?)),
        )
        .await
    }

    /// Of each agent but `reader` the newest message that is not a system message, with `after` < seq ≤ `through`, and
    /// that was delivered to `reader`: who, id and seq.
    pub async fn newest_of_each(
        &mut self,
        conversation: ConversationKey,
        reader: AgentKey,
        after: i64,
        through: i64,
    ) -> Result<Vec<(AgentKey, [u8; 16], i64)>> {
        self.query_all(
            "SELECT m.sender, m.id, m.seq FROM message m JOIN \
             (SELECT MAX(n.seq) AS seq FROM message n WHERE n.conversation = $1 AND n.sender <> $2 AND n.kind <> 3 \
              AND n.seq > $3 AND n.seq <= $4 \
              AND EXISTS (SELECT 1 FROM envelope e WHERE e.message = n.pk AND e.recipient = $2 AND e.status = 1) \
              GROUP BY n.sender) last \
             ON m.conversation = $1 AND m.seq = last.seq ORDER BY m.seq",
            &[conversation.into(), reader.into(), after.into(), through.into()],
            |row| Ok((AgentKey(row.int(0)?), row.bytes(1)?, row.int(2)?)),
        )
        .await
    }

    /// What waits for `recipient` behind a position, ascending, without hidden messages and those whose time has
    /// passed; of a deleted group its last message alone.
    pub async fn waiting_messages(
        &mut self,
        recipient: AgentKey,
        after: i64,
        limit: i64,
        now: i64,
    ) -> Result<Vec<MessageRow>> {
        self.query_all(
            concat!(
                message_columns!(),
                "FROM envelope e JOIN message m ON m.pk = e.message JOIN conversation c ON c.pk = m.conversation ",
                "JOIN agent a ON a.pk = m.sender ",
                visible!(),
                "AND e.recipient = $1 AND e.status = 0 AND e.position > $2 \
                 AND (e.expires_at IS NULL OR e.expires_at > $3) \
                 AND (c.deleted_at IS NULL OR m.seq = c.last_seq) ORDER BY e.position LIMIT $4"
            ),
            &[recipient.into(), after.into(), now.into(), limit.into()],
            |row| message(row, now),
        )
        .await
    }
}
