//! Everything a direct send must know, asked in one statement.

use crate::key::{AgentKey, ConversationKey, MessageKey};
use crate::row::Row;
use crate::{Engine, Result, StoreError, Tx};

use super::{Loudness, NewMessage, WANTS_MESSAGES};

/// Whom a direct message is for.
#[derive(Debug, Clone, Copy)]
pub enum DirectTarget<'a> {
    /// A handle, normalised.
    Handle(&'a str),
    /// The 16 bytes of a direct conversation's id.
    Conversation([u8; 16]),
}

/// The state of both sides at the moment of a direct send.
#[derive(Debug, Clone)]
pub struct DirectSendState {
    pub sender: SenderState,
    /// The earlier message of the same (sender, client_msg_id).
    pub earlier: Option<EarlierSend>,
    /// None when the target resolves to nobody.
    pub recipient: Option<RecipientState>,
    pub conversation: Option<PairState>,
}

/// The sender's account.
#[derive(Debug, Clone)]
pub struct SenderState {
    pub handle: String,
    pub display_name: Option<String>,
    pub status: i64,
    pub paused: i64,
    pub is_system: bool,
}

/// What was stored for a `client_msg_id` before.
#[derive(Debug, Clone, Copy)]
pub struct EarlierSend {
    pub message: MessageKey,
    pub target: ConversationKey,
    pub payload_hash: [u8; 16],
}

/// The recipient's account, inbox and attitude to the sender.
#[derive(Debug, Clone)]
pub struct RecipientState {
    pub key: AgentKey,
    pub handle: String,
    pub status: i64,
    pub paused: i64,
    pub inbox_mode: i64,
    pub epoch: i64,
    pub undelivered: i64,
    /// A block in either direction.
    pub blocked: bool,
    /// The sender is in the recipient's contacts; asked only when the inbox takes contacts only.
    pub sender_is_contact: bool,
    /// The recipient has an active mute on the sender or the conversation, or wants to hear nothing of it.
    pub muted: bool,
    /// What else waits for its messages: `inbox.hooks`.
    pub hooks: i64,
}

/// The conversation of the pair.
#[derive(Debug, Clone, Copy)]
pub struct PairState {
    pub key: ConversationKey,
    pub id: [u8; 16],
    pub initiator: AgentKey,
    pub established: bool,
    pub created_at: i64,
    pub last_at: i64,
    pub run: Run,
}

/// What was said last in a conversation, for its loop guard.
#[derive(Debug, Clone, Copy, Default)]
pub struct Run {
    /// Who said something last, and when; system messages do not count.
    pub last: Option<(AgentKey, i64)>,
    /// The state of policy `loop`, in microseconds.
    pub tat_us: i64,
}

macro_rules! state_query {
    ($target:literal) => {
        concat!(
            "SELECT s.handle, s.display_name, s.status, s.paused, s.is_system, ",
            "x.message, x.target, x.payload_hash, ",
            "r.pk, r.handle, r.status, r.paused, r.inbox_mode, r.epoch, i.undelivered, ",
            "EXISTS (SELECT 1 FROM block b WHERE b.blocker = s.pk AND b.blocked = r.pk) ",
            "OR EXISTS (SELECT 1 FROM block b WHERE b.blocker = r.pk AND b.blocked = s.pk), ",
            "CASE WHEN r.inbox_mode = 1 ",
            "THEN EXISTS (SELECT 1 FROM contact k WHERE k.owner = r.pk AND k.contact = s.pk) ELSE 1 = 0 END, ",
            "EXISTS (SELECT 1 FROM mute t WHERE t.muter = r.pk AND t.kind = 0 AND t.target = s.pk ",
            "AND (t.muted_until IS NULL OR t.muted_until > $1)) ",
            "OR EXISTS (SELECT 1 FROM mute t WHERE t.muter = r.pk AND t.kind = 1 AND t.target = c.pk ",
            "AND (t.muted_until IS NULL OR t.muted_until > $1)) ",
            "OR EXISTS (SELECT 1 FROM member m WHERE m.agent = r.pk AND m.conversation = c.pk AND m.notify = 2), ",
            "c.pk, c.id, c.initiator, c.established, c.created_at, c.last_at, c.last_sender, c.loop_tat_us, i.hooks ",
            "FROM agent s LEFT JOIN sent x ON x.sender = s.pk AND x.key16 = $2 ",
            $target,
            " LEFT JOIN inbox i ON i.agent = r.pk ",
            "LEFT JOIN conversation c ON c.low = CASE WHEN s.pk < r.pk THEN s.pk ELSE r.pk END ",
            "AND c.high = CASE WHEN s.pk < r.pk THEN r.pk ELSE s.pk END ",
            "WHERE s.pk = $4"
        )
    };
}

pub(super) const BY_HANDLE: &str = state_query!("LEFT JOIN agent r ON r.handle = $3");
const BY_CONVERSATION: &str = state_query!(
    "LEFT JOIN conversation t ON t.id = $3 AND t.kind = 0 AND (t.low = s.pk OR t.high = s.pk) LEFT JOIN agent r ON r.pk = CASE WHEN t.low = s.pk THEN t.high ELSE t.low END"
);

impl Tx<'_> {
    /// Reads the state for a send of `sender` to `target`; `key16` stands for its `client_msg_id`. None when the
    /// sender's row is gone.
    pub async fn direct_send_state(
        &mut self,
        sender: AgentKey,
        key16: &[u8; 16],
        target: DirectTarget<'_>,
        now: i64,
    ) -> Result<Option<DirectSendState>> {
        let (sql, target) = match target {
            DirectTarget::Handle(handle) => (BY_HANDLE, handle.into()),
            DirectTarget::Conversation(ref id) => (BY_CONVERSATION, id.into()),
        };
        self.query_opt(sql, &[now.into(), key16.into(), target, sender.into()], state).await
    }
}

/// A message that is to be stored for one recipient.
#[derive(Debug, Clone, Copy)]
pub struct DirectMessage<'a> {
    pub id: &'a [u8; 16],
    pub conversation: ConversationKey,
    pub sender: AgentKey,
    pub recipient: AgentKey,
    pub kind: i64,
    pub created_at: i64,
    pub client_msg_id: &'a str,
    /// Stands for `client_msg_id`.
    pub key16: &'a [u8; 16],
    pub payload_hash: &'a [u8; 16],
    pub content: &'a str,
    /// None: `{}`.
    pub metadata: Option<&'a str>,
    /// None: none; else handles separated by spaces.
    pub mentions: Option<&'a str>,
    /// It is the answer that makes the conversation established.
    pub establishes: bool,
    pub loudness: Loudness,
    /// What else waits for the recipient's messages: `inbox.hooks`.
    pub hooks: i64,
    /// Where it stands in a trace: traceparent, and after a line break tracestate.
    pub trace: Option<&'a str>,
    pub expires_at: Option<i64>,
    /// The state of policy `loop` after it.
    pub loop_tat_us: i64,
}

/// Where a message landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredDirect {
    pub key: MessageKey,
    pub seq: i64,
    pub position: i64,
}

/// Conversation, message, `sent`, inbox and envelope in one statement; every part sees the same moment, so nothing of
/// it reads what another part wrote but by `RETURNING`.
pub(super) const STORE: &str = "WITH taken AS (UPDATE conversation SET last_seq = last_seq + 1, last_at = $1, \
         sent_low = sent_low + CASE WHEN low = $2 THEN 1 ELSE 0 END, \
         sent_high = sent_high + CASE WHEN high = $2 THEN 1 ELSE 0 END, \
         established = CASE WHEN $3 = 1 THEN 1 ELSE established END, \
         last_sender = $2, said_at = $1, loop_tat_us = $15 WHERE pk = $4 RETURNING last_seq), \
     stored AS (INSERT INTO message (id, conversation, seq, sender, kind, created_at, client_msg_id, content, \
         metadata, mentions, expires_at, trace) SELECT $5, $4, last_seq, $2, $6, $1, $7, $8, $9, $10, $16, $17 FROM taken \
         RETURNING pk), \
     noted AS (INSERT INTO sent (sender, key16, message, target, payload_hash) \
         SELECT $2, $11, pk, $4, $12 FROM stored), \
     queued AS (UPDATE inbox SET last_position = last_position + 1, undelivered = undelivered + 1 \
         WHERE agent = $13 RETURNING last_position), \
     enveloped AS (INSERT INTO envelope (message, recipient, position, quiet, expires_at) \
         SELECT stored.pk, $13, last_position, $14, $16 FROM stored, queued), \
     waiting AS (INSERT INTO to_index (message) SELECT pk FROM stored) \
     SELECT taken.last_seq, queued.last_position, stored.pk FROM taken, queued, stored";

impl Tx<'_> {
    /// Stores a direct message and puts it into the recipient's inbox. The conversation and the inbox are to be locked.
    pub async fn store_direct(&mut self, new: &DirectMessage<'_>) -> Result<StoredDirect> {
        let stored = match self.engine() {
            Engine::Sqlite => self.store_in_steps(new).await?,
            Engine::Postgres => self.store_at_once(new).await?,
        };
        if new.hooks & WANTS_MESSAGES != 0 && new.loudness == Loudness::Loud {
            self.enqueue_message(stored.key, new.id, &[new.recipient.0], new.created_at).await?;
        }
        Ok(stored)
    }

    async fn store_in_steps(&mut self, new: &DirectMessage<'_>) -> Result<StoredDirect> {
        let seq = self
            .take_direct_seq(new.conversation, new.sender, new.created_at, new.establishes, new.loop_tat_us)
            .await?;
        let message = self
            .insert_message(NewMessage {
                id: new.id,
                conversation: new.conversation,
                seq,
                sender: new.sender,
                kind: new.kind,
                created_at: new.created_at,
                client_msg_id: new.client_msg_id,
                content: new.content,
                metadata: new.metadata,
                mentions: new.mentions,
                trace: new.trace,
                expires_at: new.expires_at,
            })
            .await?;
        self.insert_sent(new.sender, new.key16, message, new.conversation, new.payload_hash).await?;
        let position = self.deliver(message, new.recipient, new.loudness, new.expires_at).await?;
        Ok(StoredDirect { key: message, seq, position })
    }

    async fn store_at_once(&mut self, new: &DirectMessage<'_>) -> Result<StoredDirect> {
        let stored = self
            .query_opt(
                STORE,
                &[
                    new.created_at.into(),
                    new.sender.into(),
                    new.establishes.into(),
                    new.conversation.into(),
                    new.id.into(),
                    new.kind.into(),
                    new.client_msg_id.into(),
                    new.content.into(),
                    new.metadata.into(),
                    new.mentions.into(),
                    new.key16.into(),
                    new.payload_hash.into(),
                    new.recipient.into(),
                    new.loudness.into(),
                    new.loop_tat_us.into(),
                    new.expires_at.into(),
                    new.trace.into(),
                ],
                |row| Ok(StoredDirect { key: MessageKey(row.int(2)?), seq: row.int(0)?, position: row.int(1)? }),
            )
            .await?;
        let missing = || format!("conversation {} or inbox {} is gone", new.conversation.0, new.recipient.0);
        stored.ok_or_else(|| StoreError::Internal(missing()))
    }
}

fn state(row: &Row<'_>) -> Result<DirectSendState> {
    Ok(DirectSendState {
        sender: SenderState {
            handle: row.text(0)?,
            display_name: row.opt_text(1)?,
            status: row.int(2)?,
            paused: row.int(3)?,
            is_system: row.bool(4)?,
        },
        earlier: row.opt_int(5)?.map(|message| earlier(row, message)).transpose()?,
        recipient: row.opt_int(8)?.map(|key| recipient(row, key)).transpose()?,
        conversation: row.opt_int(18)?.map(|key| pair(row, key)).transpose()?,
    })
}

pub(super) fn earlier(row: &Row<'_>, message: i64) -> Result<EarlierSend> {
    Ok(EarlierSend { message: MessageKey(message), target: ConversationKey(row.int(6)?), payload_hash: row.bytes(7)? })
}

fn recipient(row: &Row<'_>, key: i64) -> Result<RecipientState> {
    Ok(RecipientState {
        key: AgentKey(key),
        handle: row.text(9)?,
        status: row.int(10)?,
        paused: row.int(11)?,
        inbox_mode: row.int(12)?,
        epoch: row.int(13)?,
        undelivered: row.opt_int(14)?.unwrap_or(0),
        blocked: row.bool(15)?,
        sender_is_contact: row.bool(16)?,
        muted: row.bool(17)?,
        hooks: row.opt_int(26)?.unwrap_or(0),
    })
}

fn pair(row: &Row<'_>, key: i64) -> Result<PairState> {
    Ok(PairState {
        key: ConversationKey(key),
        id: row.bytes(19)?,
        initiator: AgentKey(row.int(20)?),
        established: row.bool(21)?,
        created_at: row.int(22)?,
        last_at: row.opt_int(23)?.unwrap_or(0),
        run: Run { last: row.opt_int(24)?.map(AgentKey).zip(row.opt_int(23)?), tat_us: row.int(25)? },
    })
}
