//! `conversation`: who talks with whom, and how far they are.

use crate::key::{AgentKey, ConversationKey};
use crate::row::Row;
use crate::{Result, StoreError, Tx};

/// A direct conversation as one of its two sees it.
#[derive(Debug, Clone)]
pub struct DirectConversation {
    pub key: ConversationKey,
    pub id: [u8; 16],
    pub initiator: AgentKey,
    pub established: bool,
    pub last_seq: i64,
    pub last_at: i64,
    pub other: AgentKey,
    /// Messages the other has sent so far.
    pub received: i64,
    pub read_seq: i64,
    pub received_base: i64,
    pub hidden_unread: i64,
    pub hidden_seq: i64,
}

impl DirectConversation {
    /// Messages at or below this seq no longer count as unread.
    pub fn floor(&self) -> i64 {
        self.read_seq.max(self.hidden_seq)
    }

    /// Received, visible messages above the read cursor.
    pub fn unread(&self) -> i64 {
        (self.received - self.received_base - self.hidden_unread).max(0)
    }
}

macro_rules! direct_columns {
    () => {
        "SELECT c.pk, c.id, c.initiator, c.established, c.last_seq, c.last_at, \
         CASE WHEN c.low = b.agent THEN c.high ELSE c.low END, \
         CASE WHEN c.low = b.agent THEN c.sent_high ELSE c.sent_low END, \
         b.read_seq, b.received_base, b.hidden_unread, b.hidden_seq \
         FROM member b JOIN conversation c ON c.pk = b.conversation "
    };
}

fn direct(row: &Row<'_>) -> Result<DirectConversation> {
    Ok(DirectConversation {
        key: ConversationKey(row.int(0)?),
        id: row.bytes(1)?,
        initiator: AgentKey(row.int(2)?),
        established: row.bool(3)?,
        last_seq: row.int(4)?,
        last_at: row.opt_int(5)?.unwrap_or(0),
        other: AgentKey(row.int(6)?),
        received: row.int(7)?,
        read_seq: row.int(8)?,
        received_base: row.int(9)?,
        hidden_unread: row.int(10)?,
        hidden_seq: row.int(11)?,
    })
}

impl Tx<'_> {
    /// Makes the direct conversation of a pair, with both members.
    pub async fn create_direct_conversation(
        &mut self,
        id: &[u8; 16],
        initiator: AgentKey,
        other: AgentKey,
        now: i64,
    ) -> Result<ConversationKey> {
        let (low, high) = (initiator.min(other), initiator.max(other));
        let key = self
            .query_int(
                "INSERT INTO conversation (id, kind, low, high, initiator, created_at) \
                 VALUES ($1, 0, $2, $3, $4, $5) RETURNING pk",
                &[id.into(), low.into(), high.into(), initiator.into(), now.into()],
            )
            .await?
            .map(ConversationKey)
            .ok_or_else(|| StoreError::Internal("a new conversation has no key".into()))?;
        self.execute_later(
            "INSERT INTO member (agent, conversation) VALUES ($1, $2), ($3, $2)",
            &[low.into(), key.into(), high.into()],
        )
        .await?;
        Ok(key)
    }

    /// Takes the conversation's next seq for a direct message of `sender`, at `at`; `establishes` when it is the
    /// answer that makes the conversation established.
    pub async fn take_direct_seq(
        &mut self,
        conversation: ConversationKey,
        sender: AgentKey,
        at: i64,
        establishes: bool,
    ) -> Result<i64> {
        self.query_int(
            "UPDATE conversation SET last_seq = last_seq + 1, last_at = $1, \
             sent_low = sent_low + CASE WHEN low = $2 THEN 1 ELSE 0 END, \
             sent_high = sent_high + CASE WHEN high = $2 THEN 1 ELSE 0 END, \
             established = CASE WHEN $3 = 1 THEN 1 ELSE established END \
             WHERE pk = $4 RETURNING last_seq",
            &[at.into(), sender.into(), establishes.into(), conversation.into()],
        )
        .await?
        .ok_or_else(|| StoreError::Internal(format!("conversation {} is gone", conversation.0)))
    }

    /// Of `sender`'s direct conversations begun at or after `since` that nobody answered: how many, and when the
    /// oldest began.
    pub async fn cold_conversations(&mut self, sender: AgentKey, since: i64) -> Result<(i64, Option<i64>)> {
        let found = self
            .query_opt(
                "SELECT COUNT(*), MIN(created_at) FROM conversation \
                 WHERE initiator = $1 AND established = 0 AND created_at >= $2",
                &[sender.into(), since.into()],
                |row| Ok((row.int(0)?, row.opt_int(1)?)),
            )
            .await?;
        Ok(found.unwrap_or((0, None)))
    }

    /// The direct conversation of that id, if `agent` is one of its two.
    pub async fn direct_conversation(&mut self, agent: AgentKey, id: &[u8; 16]) -> Result<Option<DirectConversation>> {
        self.query_opt(
            concat!(direct_columns!(), "WHERE b.agent = $1 AND c.id = $2 AND c.kind = 0"),
            &[agent.into(), id.into()],
            direct,
        )
        .await
    }

    /// The direct conversation of a key, if `agent` is one of its two.
    pub async fn direct_conversation_by_key(
        &mut self,
        agent: AgentKey,
        key: ConversationKey,
    ) -> Result<Option<DirectConversation>> {
        self.query_opt(
            concat!(direct_columns!(), "WHERE b.agent = $1 AND b.conversation = $2 AND c.kind = 0"),
            &[agent.into(), key.into()],
            direct,
        )
        .await
    }

    /// The direct conversation of a pair.
    pub async fn direct_conversation_with(
        &mut self,
        agent: AgentKey,
        other: AgentKey,
    ) -> Result<Option<DirectConversation>> {
        let (low, high) = (agent.min(other), agent.max(other));
        self.query_opt(
            concat!(direct_columns!(), "WHERE c.low = $1 AND c.high = $2 AND b.agent = $3"),
            &[low.into(), high.into(), agent.into()],
            direct,
        )
        .await
    }

    /// The agent's conversations that are not hidden, latest activity first.
    pub async fn list_conversations(
        &mut self,
        agent: AgentKey,
        limit: i64,
        offset: i64,
    ) -> Result<Vec<DirectConversation>> {
        self.query_all(
            concat!(
                direct_columns!(),
                "WHERE b.agent = $1 AND c.last_seq > b.hidden_seq ORDER BY c.last_at DESC, c.id LIMIT $2 OFFSET $3"
            ),
            &[agent.into(), limit.into(), offset.into()],
            direct,
        )
        .await
    }
}
