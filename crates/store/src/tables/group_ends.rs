//! Ends: of groups, and of accounts that are in some.

use agentchat_protocol::handle::Handle;

use super::groups::handle;
use crate::key::{AgentKey, ConversationKey};
use crate::{Result, Tx};

/// The end of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEndRow {
    pub id: [u8; 16],
    pub at: i64,
    pub by: AgentKey,
    pub by_handle: Handle,
    pub last_seq: i64,
}

/// What an account that ends leaves of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenMembership {
    pub group: ConversationKey,
    pub group_id: [u8; 16],
    /// The group is deleted.
    pub ended: bool,
}

impl Tx<'_> {
    /// Ends a group. What is left of it is cleared by a job.
    pub async fn end_group(&mut self, group: ConversationKey, by: AgentKey, now: i64) -> Result<()> {
        self.execute_later(
            "UPDATE conversation SET deleted_at = $1, deleted_by = $2 WHERE pk = $3",
            &[now.into(), by.into(), group.into()],
        )
        .await
    }

    /// How a group ended, if it did.
    pub async fn group_end(&mut self, key: ConversationKey) -> Result<Option<GroupEndRow>> {
        self.query_opt(
            "SELECT c.id, c.deleted_at, c.deleted_by, a.handle, c.last_seq FROM conversation c \
             JOIN agent a ON a.pk = c.deleted_by WHERE c.pk = $1 AND c.deleted_at IS NOT NULL",
            &[key.into()],
            |row| {
                Ok(GroupEndRow {
                    id: row.bytes(0)?,
                    at: row.int(1)?,
                    by: AgentKey(row.int(2)?),
                    by_handle: handle(row, 3)?,
                    last_seq: row.int(4)?,
                })
            },
        )
        .await
    }

    /// Settles up to `limit` of what waited at `now` for `agent` of a conversation, up to a seq. Answers how much it was; the
    /// counter is left to [`Tx::count_settled`].
    pub async fn settle_some_of(
        &mut self,
        agent: AgentKey,
        conversation: ConversationKey,
        through_seq: i64,
        limit: i64,
        now: i64,
    ) -> Result<i64> {
        let settled = self
            .execute(
                // CROSS JOIN keeps the queue outside: it is short, the conversation may be long.
                "UPDATE envelope SET status = 1, delivered_at = $1 WHERE recipient = $2 AND status = 0 AND message IN \
                 (SELECT e.message FROM envelope e CROSS JOIN message m WHERE e.recipient = $2 AND e.status = 0 \
                 AND (e.expires_at IS NULL OR e.expires_at > $1) \
                 AND m.pk = e.message AND m.conversation = $3 AND m.seq <= $4 ORDER BY e.position LIMIT $5)",
                &[now.into(), agent.into(), conversation.into(), through_seq.into(), limit.into()],
            )
            .await?;
        Ok(i64::try_from(settled).unwrap_or(i64::MAX))
    }

    /// The groups an agent is in, in the order of locks.
    pub fn lock_groups_of(&mut self, agent: &Handle) {
        self.lock(
            "SELECT pk FROM conversation WHERE kind = 1 AND pk IN (SELECT b.conversation FROM member b \
             WHERE b.agent = (SELECT pk FROM agent WHERE handle = $1) AND b.joined_at > 0 AND b.left_at IS NULL) \
             ORDER BY pk FOR NO KEY UPDATE",
            &[agent.as_str().into()],
        );
    }

    /// Takes an account that ends out of the counts of its living groups; those it was alone in end with it.
    pub async fn count_out_everywhere(&mut self, agent: AgentKey, now: i64) -> Result<()> {
        self.execute_later(
            "UPDATE conversation SET members = members - 1, \
             deleted_at = CASE WHEN members <= 1 THEN CAST($1 AS BIGINT) END, \
             deleted_by = CASE WHEN members <= 1 THEN CAST($2 AS BIGINT) END \
             WHERE kind = 1 AND deleted_at IS NULL AND pk IN \
             (SELECT b.conversation FROM member b WHERE b.agent = $2 AND b.joined_at > 0 AND b.left_at IS NULL)",
            &[now.into(), agent.into()],
        )
        .await
    }

    /// One of the groups that an agent has not left.
    pub async fn open_membership(&mut self, agent: AgentKey) -> Result<Option<OpenMembership>> {
        self.query_opt(
            "SELECT c.pk, c.id, c.deleted_at FROM member b JOIN conversation c ON c.pk = b.conversation \
             WHERE b.agent = $1 AND b.joined_at > 0 AND b.left_at IS NULL ORDER BY b.conversation LIMIT 1",
            &[agent.into()],
            |row| {
                Ok(OpenMembership {
                    group: ConversationKey(row.int(0)?),
                    group_id: row.bytes(1)?,
                    ended: !row.is_null(2)?,
                })
            },
        )
        .await
    }

    /// The first member, in the order of keys, whose membership is not closed.
    pub async fn first_open_member(&mut self, group: ConversationKey) -> Result<Option<AgentKey>> {
        let sql = "SELECT agent FROM member WHERE conversation = $1 AND left_at IS NULL ORDER BY agent LIMIT 1";
        Ok(self.query_int(sql, &[group.into()]).await?.map(AgentKey))
    }

    /// Everybody whose membership is not closed, and where the group's last message stands in its inbox.
    pub async fn places_of_last_message(&mut self, group: ConversationKey) -> Result<Vec<(AgentKey, Option<i64>)>> {
        self.query_all(
            "SELECT b.agent, e.position FROM member b LEFT JOIN envelope e ON e.recipient = b.agent AND e.message = \
             (SELECT m.pk FROM message m JOIN conversation c ON c.pk = m.conversation AND c.last_seq = m.seq \
             WHERE m.conversation = $1) WHERE b.conversation = $1 AND b.left_at IS NULL ORDER BY b.agent",
            &[group.into()],
            |row| Ok((AgentKey(row.int(0)?), row.opt_int(1)?)),
        )
        .await
    }
}
