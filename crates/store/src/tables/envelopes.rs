//! `envelope` and `inbox`: what waits for whom, in which order. The counter `inbox.undelivered` is exact: every
//! change of a stored envelope changes it in the same transaction.

use std::collections::BTreeMap;

use agentchat_protocol::agent::{AgentStatus, PausedByOwner};

use super::{Loudness, agents};
use crate::key::{AgentKey, ConversationKey, MessageKey};
use crate::row::{Row, Value};
use crate::{Engine, Result, StoreError, Tx};

/// The state of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    pub last_position: i64,
    pub undelivered: i64,
    pub epoch: i64,
    pub status: AgentStatus,
    pub paused: PausedByOwner,
    /// What else waits for what comes: `WANTS_MESSAGES`, `WANTS_WAKING`, `WANTS_EVENTS`.
    pub hooks: i64,
}

/// How far an inbox is, and its account's state: what a node compares its sockets with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxHead {
    pub agent: AgentKey,
    pub last_position: i64,
    pub epoch: i64,
    pub status: AgentStatus,
    pub paused: PausedByOwner,
}

macro_rules! heads {
    ($agents:literal) => {
        concat!(
            "SELECT i.agent, i.last_position, a.epoch, a.status, a.paused \
             FROM inbox i JOIN agent a ON a.pk = i.agent WHERE i.agent ",
            $agents
        )
    };
}

fn head(row: &Row<'_>) -> Result<InboxHead> {
    Ok(InboxHead {
        agent: AgentKey(row.int(0)?),
        last_position: row.int(1)?,
        epoch: row.int(2)?,
        status: agents::status(row.int(3)?)?,
        paused: agents::paused(row.int(4)?)?,
    })
}

impl Tx<'_> {
    /// The heads of these inboxes, in no order; those that do not exist are left out.
    pub async fn inbox_heads(&mut self, agents: &[AgentKey]) -> Result<Vec<InboxHead>> {
        let keys: Vec<i64> = agents.iter().map(|agent| agent.0).collect();
        match self.engine() {
            Engine::Sqlite => {
                let list = format!("{keys:?}");
                self.query_all(heads!("IN (SELECT value FROM json_each($1))"), &[(&list).into()], head).await
            }
            Engine::Postgres => self.query_all(heads!("= ANY($1)"), &[Value::Ints(&keys)], head).await,
        }
    }

    /// Makes the inbox of a new agent.
    pub async fn create_inbox(&mut self, agent: AgentKey) -> Result<()> {
        self.execute("INSERT INTO inbox (agent) VALUES ($1)", &[agent.into()]).await?;
        Ok(())
    }

    /// An agent's inbox, with the account's state in the same snapshot.
    pub async fn inbox(&mut self, agent: AgentKey) -> Result<Option<Inbox>> {
        self.query_opt(
            "SELECT i.last_position, i.undelivered, a.epoch, a.status, a.paused, i.hooks \
             FROM inbox i JOIN agent a ON a.pk = i.agent WHERE i.agent = $1",
            &[agent.into()],
            |row| {
                Ok(Inbox {
                    last_position: row.int(0)?,
                    undelivered: row.int(1)?,
                    epoch: row.int(2)?,
                    status: agents::status(row.int(3)?)?,
                    paused: agents::paused(row.int(4)?)?,
                    hooks: row.int(5)?,
                })
            },
        )
        .await
    }

    /// Puts a message into an inbox, until `expires_at`; answers the position it got.
    pub async fn deliver(
        &mut self,
        message: MessageKey,
        recipient: AgentKey,
        loudness: Loudness,
        expires_at: Option<i64>,
    ) -> Result<i64> {
        let position = self
            .query_int(
                "UPDATE inbox SET last_position = last_position + 1, undelivered = undelivered + 1 \
                 WHERE agent = $1 RETURNING last_position",
                &[recipient.into()],
            )
            .await?
            .ok_or_else(|| StoreError::Internal(format!("agent {} has no inbox", recipient.0)))?;
        self.execute(
            "INSERT INTO envelope (message, recipient, position, quiet, expires_at) VALUES ($1, $2, $3, $4, $5)",
            &[message.into(), recipient.into(), position.into(), loudness.into(), expires_at.into()],
        )
        .await?;
        Ok(position)
    }

    /// Stored → delivered for messages by their public ids, each for the agent beside it; what is not stored there is
    /// passed over. Counters included. Answers how many were settled. The inboxes are to be locked.
    pub async fn settle_all(&mut self, acks: &[(AgentKey, [u8; 16])], now: i64) -> Result<u64> {
        if self.engine() == Engine::Postgres {
            return self.settle_as_set(acks, now).await;
        }
        let mut settled: BTreeMap<AgentKey, i64> = BTreeMap::new();
        for (agent, message) in acks {
            if self.settle_by_id(*agent, message, now).await? {
                *settled.entry(*agent).or_default() += 1;
            }
        }
        for (agent, count) in &settled {
            self.count_settled(*agent, *count).await?;
        }
        Ok(settled.values().sum::<i64>().unsigned_abs())
    }

    async fn settle_as_set(&mut self, acks: &[(AgentKey, [u8; 16])], now: i64) -> Result<u64> {
        let (agents, messages): (Vec<i64>, Vec<[u8; 16]>) = acks.iter().map(|(agent, id)| (agent.0, *id)).unzip();
        let settled = self
            .query_int(
                "WITH ack AS (SELECT * FROM unnest($1::bigint[], $2::bytea[]) AS ack (agent, id)), \
                 settled AS (UPDATE envelope e SET status = 1, delivered_at = $3 \
                     FROM ack JOIN message m ON m.id = ack.id \
                     WHERE e.message = m.pk AND e.recipient = ack.agent AND e.status = 0 \
                     AND (e.expires_at IS NULL OR e.expires_at > $3) RETURNING e.recipient), \
                 counted AS (SELECT recipient, COUNT(*) AS envelopes FROM settled GROUP BY recipient), \
                 inboxes AS (UPDATE inbox i SET undelivered = undelivered - counted.envelopes \
                     FROM counted WHERE i.agent = counted.recipient) \
                 SELECT COUNT(*) FROM settled",
                &[Value::Ints(&agents), Value::Ids(&messages), now.into()],
            )
            .await?;
        Ok(settled.unwrap_or(0).unsigned_abs())
    }

    /// Stored → delivered for one message of `recipient`, by its public id. The counter is left to
    /// [`Tx::count_settled`], once for all.
    async fn settle_by_id(&mut self, recipient: AgentKey, message: &[u8; 16], now: i64) -> Result<bool> {
        let settled = self
            .execute(
                "UPDATE envelope SET status = 1, delivered_at = $1 \
                 WHERE message = (SELECT pk FROM message WHERE id = $2) AND recipient = $3 AND status = 0 \
                 AND (expires_at IS NULL OR expires_at > $1)",
                &[now.into(), message.into(), recipient.into()],
            )
            .await?;
        Ok(settled > 0)
    }

    /// Stored → delivered for one message of `recipient`. The counter is left to [`Tx::count_settled`].
    pub async fn settle(&mut self, recipient: AgentKey, message: MessageKey, now: i64) -> Result<bool> {
        let settled = self
            .execute(
                "UPDATE envelope SET status = 1, delivered_at = $1 \
                 WHERE message = $2 AND recipient = $3 AND status = 0 AND (expires_at IS NULL OR expires_at > $1)",
                &[now.into(), message.into(), recipient.into()],
            )
            .await?;
        Ok(settled > 0)
    }

    /// Stored → delivered up to and including a position. The counter is left to [`Tx::count_settled`].
    pub async fn settle_through(&mut self, recipient: AgentKey, position: i64, now: i64) -> Result<i64> {
        let settled = self
            .execute(
                "UPDATE envelope SET status = 1, delivered_at = $1 \
                 WHERE recipient = $2 AND status = 0 AND position <= $3 \
                 AND (expires_at IS NULL OR expires_at > $1)",
                &[now.into(), recipient.into(), position.into()],
            )
            .await?;
        Ok(i64::try_from(settled).unwrap_or(i64::MAX))
    }

    /// The position of the `count`-th envelope at or below `through` that waits at `now`; none when there are fewer.
    pub async fn nth_stored(&mut self, recipient: AgentKey, through: i64, count: i64, now: i64) -> Result<Option<i64>> {
        self.query_int(
            "SELECT position FROM envelope WHERE recipient = $1 AND status = 0 AND position <= $2 \
             AND (expires_at IS NULL OR expires_at > $3) ORDER BY position LIMIT 1 OFFSET $4",
            &[recipient.into(), through.into(), now.into(), (count - 1).into()],
        )
        .await
    }

    /// Envelopes of one conversation at or below a seq that wait at `now`, oldest first: message and seq.
    pub async fn stored_in_conversation(
        &mut self,
        recipient: AgentKey,
        conversation: ConversationKey,
        through_seq: i64,
        limit: i64,
        now: i64,
    ) -> Result<Vec<(MessageKey, i64)>> {
        self.query_all(
            // CROSS JOIN keeps the queue outside: it is short, the conversation may be long.
            "SELECT e.message, m.seq FROM envelope e CROSS JOIN message m \
             WHERE e.recipient = $1 AND e.status = 0 AND m.pk = e.message AND m.conversation = $2 AND m.seq <= $3 \
             AND (e.expires_at IS NULL OR e.expires_at > $4) ORDER BY e.position LIMIT $5",
            &[recipient.into(), conversation.into(), through_seq.into(), now.into(), limit.into()],
            |row| Ok((MessageKey(row.int(0)?), row.int(1)?)),
        )
        .await
    }

    /// Settles everything of one conversation that waits for `recipient`, counter included.
    pub async fn settle_conversation(
        &mut self,
        recipient: AgentKey,
        conversation: ConversationKey,
        now: i64,
    ) -> Result<u64> {
        let settled = self
            .execute(
                "UPDATE envelope SET status = 1, delivered_at = $1 \
                 WHERE recipient = $2 AND status = 0 AND (expires_at IS NULL OR expires_at > $1) \
                 AND message IN (SELECT e.message FROM envelope e CROSS JOIN message m \
                 WHERE e.recipient = $2 AND e.status = 0 AND m.pk = e.message AND m.conversation = $3)",
                &[now.into(), recipient.into(), conversation.into()],
            )
            .await?;
        self.count_settled(recipient, i64::try_from(settled).unwrap_or(i64::MAX)).await?;
        Ok(settled)
    }

    /// Envelopes of `agent` that are still counted although their time has passed.
    async fn overdue(&mut self, agent: AgentKey, now: i64) -> Result<i64> {
        let overdue = self
            .query_int(
                "SELECT COUNT(*) FROM envelope WHERE status = 0 AND expires_at <= $1 AND expires_at IS NOT NULL \
                 AND recipient = $2",
                &[now.into(), agent.into()],
            )
            .await?;
        Ok(overdue.unwrap_or(0))
    }

    /// Envelopes of `agent` that are still counted although they do not wait any more: their time has passed, or their
    /// group was deleted and its job is not through.
    pub async fn gone(&mut self, agent: AgentKey, now: i64) -> Result<i64> {
        let left_behind = self
            .query_int(
                "SELECT COUNT(*) FROM envelope e JOIN message m ON m.pk = e.message \
                 JOIN conversation c ON c.pk = m.conversation \
                 WHERE e.recipient = $1 AND e.status = 0 AND (e.expires_at IS NULL OR e.expires_at > $2) \
                 AND c.deleted_at IS NOT NULL AND m.seq < c.last_seq AND EXISTS (SELECT 1 FROM job)",
                &[agent.into(), now.into()],
            )
            .await?;
        Ok(self.overdue(agent, now).await? + left_behind.unwrap_or(0))
    }

    /// Some agents with envelopes whose time has passed, at most `limit` envelopes' worth.
    pub async fn overdue_agents(&mut self, now: i64, limit: i64) -> Result<Vec<AgentKey>> {
        self.query_all(
            "SELECT DISTINCT recipient FROM (SELECT recipient FROM envelope \
             WHERE status = 0 AND expires_at IS NOT NULL AND expires_at <= $1 \
             AND expires_at <= COALESCE((SELECT a.deleted_at FROM agent a WHERE a.pk = recipient), $1) \
             ORDER BY expires_at LIMIT $2) AS due",
            &[now.into(), limit.into()],
            |row| row.int(0).map(AgentKey),
        )
        .await
    }

    /// Takes what waits for `agent` and whose time has passed out of its queue, counter included. What a deleted account
    /// had then is not its matter any more: it counts as delivered.
    pub async fn expire(&mut self, agent: AgentKey, now: i64) -> Result<u64> {
        let expired = self
            .execute(
                "UPDATE envelope SET status = 2 WHERE recipient = $1 AND status = 0 AND expires_at IS NOT NULL \
                 AND expires_at <= $2 AND expires_at <= COALESCE((SELECT a.deleted_at FROM agent a WHERE a.pk = $1), $2)",
                &[agent.into(), now.into()],
            )
            .await?;
        self.count_settled(agent, i64::try_from(expired).unwrap_or(i64::MAX)).await?;
        Ok(expired)
    }

    /// Takes settled envelopes off the counter.
    pub async fn count_settled(&mut self, recipient: AgentKey, settled: i64) -> Result<()> {
        if settled > 0 {
            self.execute_later(
                "UPDATE inbox SET undelivered = undelivered - $1 WHERE agent = $2",
                &[settled.into(), recipient.into()],
            )
            .await?;
        }
        Ok(())
    }
}
