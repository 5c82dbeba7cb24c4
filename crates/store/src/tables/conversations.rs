//! `conversation`: who talks with whom, and how far they are.

use agentchat_protocol::id::ConversationId;

use crate::key::{AgentKey, ConversationKey};
use crate::row::Row;
use crate::{Result, StoreError, Tx};

/// A conversation as one agent sees it that is or was in it.
#[derive(Debug, Clone)]
pub struct Membership {
    pub key: ConversationKey,
    pub id: ConversationId,
    pub last_seq: i64,
    /// When something was said last.
    pub last_at: Option<i64>,
    pub created_at: i64,
    /// When a group was changed last.
    pub updated_at: Option<i64>,
    /// Messages of others so far that the agent got an envelope for.
    pub received: i64,
    pub read_seq: i64,
    pub received_base: i64,
    pub hidden_unread: i64,
    pub hidden_seq: i64,
    /// Nothing before this seq was ever the agent's to see.
    pub joined_seq: i64,
    pub joined_at: i64,
    /// Of a group alone.
    pub left_at: Option<i64>,
    /// What of it wakes the agent: 0 everything, 1 mentions, 2 nothing.
    pub notify: i64,
    pub party: Party,
}

/// Who else is there.
#[derive(Debug, Clone)]
pub enum Party {
    Direct(Pair),
    Group(GroupSeat),
}

/// The other side of a direct conversation.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    pub initiator: AgentKey,
    pub other: AgentKey,
    pub established: bool,
}

/// A group, and the agent's rank in it.
#[derive(Debug, Clone)]
pub struct GroupSeat {
    pub admin: bool,
    /// Active members.
    pub members: i64,
    /// When and by whom it was deleted.
    pub deleted: Option<(i64, AgentKey)>,
    pub name: String,
    pub description: Option<String>,
    /// As it is shown: below the public base where an uploaded one is, else the URL somebody gave.
    pub avatar_url: Option<String>,
    pub created_by: AgentKey,
}

impl Membership {
    /// Messages at or below this seq no longer count as unread.
    pub fn floor(&self) -> i64 {
        self.read_seq.max(self.visible_after())
    }

    /// Messages at or below this seq are not shown.
    pub fn visible_after(&self) -> i64 {
        self.hidden_seq.max(self.joined_seq - 1)
    }

    /// Received, visible messages above the read cursor.
    pub fn unread(&self) -> i64 {
        (self.received - self.received_base - self.hidden_unread).max(0)
    }

    /// The agent takes part, and the conversation was not deleted.
    pub fn is_active(&self) -> bool {
        self.left_at.is_none() && self.deleted().is_none()
    }

    /// When and by whom the group was deleted.
    pub fn deleted(&self) -> Option<(i64, AgentKey)> {
        self.group().and_then(|group| group.deleted)
    }

    /// The group, if it is one.
    pub fn group(&self) -> Option<&GroupSeat> {
        match &self.party {
            Party::Direct(_) => None,
            Party::Group(group) => Some(group),
        }
    }

    /// The pair, if it is one.
    pub fn pair(&self) -> Option<Pair> {
        match self.party {
            Party::Direct(pair) => Some(pair),
            Party::Group(_) => None,
        }
    }
}

macro_rules! memberships {
    ($rest:literal) => {
        concat!(
            "SELECT c.pk, c.id, c.kind, c.last_seq, c.last_at, c.created_at, c.updated_at, \
             CASE WHEN c.kind = 1 THEN c.last_seq - b.sent - b.skipped \
             WHEN c.low = b.agent THEN c.sent_high ELSE c.sent_low END, \
             b.read_seq, b.received_base, b.hidden_unread, b.hidden_seq, b.joined_seq, b.joined_at, b.left_at, \
             c.initiator, CASE WHEN c.low = b.agent THEN c.high ELSE c.low END, c.established, \
             b.role, c.members, c.deleted_at, c.deleted_by, g.name, g.description, \
             COALESCE('/avatars/' || g.avatar, g.avatar_url), g.created_by, b.notify \
             FROM member b JOIN conversation c ON c.pk = b.conversation \
             LEFT JOIN group_profile g ON g.conversation = c.pk ",
            $rest
        )
    };
}

fn membership(row: &Row<'_>) -> Result<Membership> {
    let is_group = row.int(2)? == GROUP;
    let id = row.bytes(1)?;
    Ok(Membership {
        key: ConversationKey(row.int(0)?),
        id: if is_group { ConversationId::group(id) } else { ConversationId::direct(id) },
        last_seq: row.int(3)?,
        last_at: row.opt_int(4)?,
        created_at: row.int(5)?,
        updated_at: row.opt_int(6)?,
        received: row.int(7)?,
        read_seq: row.int(8)?,
        received_base: row.int(9)?,
        hidden_unread: row.int(10)?,
        hidden_seq: row.int(11)?,
        joined_seq: row.int(12)?,
        joined_at: row.int(13)?,
        left_at: row.opt_int(14)?,
        notify: row.int(26)?,
        party: if is_group { Party::Group(group(row)?) } else { Party::Direct(pair(row)?) },
    })
}

fn pair(row: &Row<'_>) -> Result<Pair> {
    Ok(Pair { initiator: AgentKey(row.int(15)?), other: AgentKey(row.int(16)?), established: row.bool(17)? })
}

fn group(row: &Row<'_>) -> Result<GroupSeat> {
    let deleted_by = row.opt_int(21)?.map(AgentKey);
    Ok(GroupSeat {
        admin: row.bool(18)?,
        members: row.int(19)?,
        deleted: row.opt_int(20)?.zip(deleted_by),
        name: row.text(22)?,
        description: row.opt_text(23)?,
        avatar_url: row.opt_text(24)?,
        created_by: AgentKey(row.int(25)?),
    })
}

/// `conversation.kind` of a group; a direct conversation's is 0.
pub(super) const GROUP: i64 = 1;

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
    /// answer that makes the conversation established. `loop_tat_us` is the state of policy `loop` after it.
    pub async fn take_direct_seq(
        &mut self,
        conversation: ConversationKey,
        sender: AgentKey,
        at: i64,
        establishes: bool,
        loop_tat_us: i64,
    ) -> Result<i64> {
        self.query_int(
            "UPDATE conversation SET last_seq = last_seq + 1, last_at = $1, \
             sent_low = sent_low + CASE WHEN low = $2 THEN 1 ELSE 0 END, \
             sent_high = sent_high + CASE WHEN high = $2 THEN 1 ELSE 0 END, \
             established = CASE WHEN $3 = 1 THEN 1 ELSE established END, \
             last_sender = $2, said_at = $1, loop_tat_us = $4 \
             WHERE pk = $5 RETURNING last_seq",
            &[at.into(), sender.into(), establishes.into(), loop_tat_us.into(), conversation.into()],
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

    /// Who said something last; system messages do not count.
    pub async fn last_sender(&mut self, conversation: ConversationKey) -> Result<Option<AgentKey>> {
        let found =
            self.query_int("SELECT last_sender FROM conversation WHERE pk = $1", &[conversation.into()]).await?;
        Ok(found.map(AgentKey))
    }

    /// The conversation of that id, if `agent` is or was in it; deleted groups too.
    pub async fn membership(&mut self, agent: AgentKey, id: ConversationId) -> Result<Option<Membership>> {
        let found = self
            .query_opt(
                memberships!("WHERE b.agent = $1 AND c.id = $2"),
                &[agent.into(), (&id.bytes()).into()],
                membership,
            )
            .await?;
        Ok(found.filter(|found| found.id == id))
    }

    /// The conversation of a key, if `agent` is or was in it; deleted groups too.
    pub async fn membership_by_key(&mut self, agent: AgentKey, key: ConversationKey) -> Result<Option<Membership>> {
        self.query_opt(
            memberships!("WHERE b.agent = $1 AND b.conversation = $2"),
            &[agent.into(), key.into()],
            membership,
        )
        .await
    }

    /// The direct conversation of a pair, as `agent` sees it.
    pub async fn direct_conversation_with(&mut self, agent: AgentKey, other: AgentKey) -> Result<Option<Membership>> {
        let (low, high) = (agent.min(other), agent.max(other));
        self.query_opt(
            memberships!("WHERE c.low = $1 AND c.high = $2 AND b.agent = $3"),
            &[low.into(), high.into(), agent.into()],
            membership,
        )
        .await
    }

    /// The agent's conversations that it is in and that are not hidden: latest activity first, groups in which nothing
    /// was said yet last.
    pub async fn list_conversations(&mut self, agent: AgentKey, limit: i64, offset: i64) -> Result<Vec<Membership>> {
        self.query_all(
            memberships!(
                "WHERE b.agent = $1 AND b.left_at IS NULL AND c.deleted_at IS NULL \
                 AND (b.hidden_at IS NULL OR c.last_seq > b.hidden_seq) \
                 ORDER BY COALESCE(c.last_at, -1) DESC, CASE WHEN c.last_at IS NULL THEN c.updated_at ELSE 0 END DESC, \
                 c.id LIMIT $2 OFFSET $3"
            ),
            &[agent.into(), limit.into(), offset.into()],
            membership,
        )
        .await
    }
}
