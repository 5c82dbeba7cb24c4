//! `member`: an agent's place in a conversation, its read cursor and what it hides; `read_mark`, `hidden`.

use crate::key::{AgentKey, ConversationKey, MessageKey};
use crate::{Result, Tx};

impl Tx<'_> {
    /// Moves the read cursor to `read_seq`; `received_base` and `hidden_unread` are its new counters.
    pub async fn move_read_cursor(
        &mut self,
        agent: AgentKey,
        conversation: ConversationKey,
        read_seq: i64,
        received_base: i64,
        hidden_unread: i64,
        now: i64,
    ) -> Result<()> {
        self.execute(
            "UPDATE member SET read_seq = $1, received_base = $2, hidden_unread = $3 \
             WHERE agent = $4 AND conversation = $5",
            &[read_seq.into(), received_base.into(), hidden_unread.into(), agent.into(), conversation.into()],
        )
        .await?;
        self.execute(
            "INSERT INTO read_mark (agent, conversation, through_seq, at) VALUES ($1, $2, $3, $4)",
            &[agent.into(), conversation.into(), read_seq.into(), now.into()],
        )
        .await?;
        Ok(())
    }

    /// Hides the conversation up to `seq`; nothing at or below it counts as unread any more.
    pub async fn hide_conversation(
        &mut self,
        agent: AgentKey,
        conversation: ConversationKey,
        seq: i64,
        received: i64,
        now: i64,
    ) -> Result<()> {
        self.execute(
            "UPDATE member SET hidden_at = $1, hidden_seq = $2, received_base = $3, hidden_unread = 0 \
             WHERE agent = $4 AND conversation = $5",
            &[now.into(), seq.into(), received.into(), agent.into(), conversation.into()],
        )
        .await?;
        Ok(())
    }

    /// Sets what of a conversation wakes the agent: 0 everything, 1 mentions, 2 nothing.
    pub async fn set_notify(&mut self, agent: AgentKey, conversation: ConversationKey, level: i64) -> Result<()> {
        self.execute(
            "UPDATE member SET notify = $1 WHERE agent = $2 AND conversation = $3",
            &[level.into(), agent.into(), conversation.into()],
        )
        .await?;
        Ok(())
    }

    /// Hides one message from `agent`; true when it was not hidden before.
    pub async fn hide_message(&mut self, agent: AgentKey, message: MessageKey) -> Result<bool> {
        let added = self
            .execute(
                "INSERT INTO hidden (agent, message) VALUES ($1, $2) ON CONFLICT (agent, message) DO NOTHING",
                &[agent.into(), message.into()],
            )
            .await?;
        Ok(added == 1)
    }

    /// Whether `agent` hid that message.
    pub async fn is_hidden(&mut self, agent: AgentKey, message: MessageKey) -> Result<bool> {
        let found = self
            .query_int("SELECT 1 FROM hidden WHERE agent = $1 AND message = $2", &[agent.into(), message.into()])
            .await?;
        Ok(found.is_some())
    }

    /// One more hidden message above the unread floor.
    pub async fn count_hidden_unread(&mut self, agent: AgentKey, conversation: ConversationKey) -> Result<()> {
        self.execute(
            "UPDATE member SET hidden_unread = hidden_unread + 1 WHERE agent = $1 AND conversation = $2",
            &[agent.into(), conversation.into()],
        )
        .await?;
        Ok(())
    }

    /// Received messages with `after` < seq ≤ `through`: all of them, and those among them that are hidden. Messages of
    /// others that the agent got no envelope for were not received.
    pub async fn received_between(
        &mut self,
        agent: AgentKey,
        conversation: ConversationKey,
        after: i64,
        through: i64,
    ) -> Result<(i64, i64)> {
        let found = self
            .query_opt(
                "SELECT COUNT(*), COUNT(h.message) FROM message m \
                 LEFT JOIN hidden h ON h.agent = $1 AND h.message = m.pk \
                 WHERE m.conversation = $2 AND m.seq > $3 AND m.seq <= $4 AND m.sender <> $1 \
                 AND EXISTS (SELECT 1 FROM envelope e WHERE e.message = m.pk AND e.recipient = $1)",
                &[agent.into(), conversation.into(), after.into(), through.into()],
                |row| Ok((row.int(0)?, row.int(1)?)),
            )
            .await?;
        Ok(found.unwrap_or((0, 0)))
    }

    /// Lowest and highest seq above `floor` of what `agent` received and did not hide.
    pub async fn unread_bounds(
        &mut self,
        agent: AgentKey,
        conversation: ConversationKey,
        floor: i64,
    ) -> Result<(Option<i64>, Option<i64>)> {
        let params = [conversation.into(), floor.into(), agent.into()];
        let oldest = self
            .query_int(
                "SELECT m.seq FROM message m WHERE m.conversation = $1 AND m.seq > $2 AND m.sender <> $3 \
                 AND EXISTS (SELECT 1 FROM envelope e WHERE e.message = m.pk AND e.recipient = $3) \
                 AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.agent = $3 AND h.message = m.pk) \
                 ORDER BY m.seq LIMIT 1",
                &params,
            )
            .await?;
        let newest = self
            .query_int(
                "SELECT m.seq FROM message m WHERE m.conversation = $1 AND m.seq > $2 AND m.sender <> $3 \
                 AND EXISTS (SELECT 1 FROM envelope e WHERE e.message = m.pk AND e.recipient = $3) \
                 AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.agent = $3 AND h.message = m.pk) \
                 ORDER BY m.seq DESC LIMIT 1",
                &params,
            )
            .await?;
        Ok((oldest, newest))
    }

    /// Everybody in a group, by when they came, then by handle.
    pub async fn active_members(&mut self, conversation: ConversationKey) -> Result<Vec<AgentKey>> {
        self.query_all(
            "SELECT b.agent FROM member b JOIN agent a ON a.pk = b.agent \
             WHERE b.conversation = $1 AND b.left_at IS NULL AND a.status <> 3 ORDER BY b.joined_at, a.handle",
            &[conversation.into()],
            |row| row.int(0).map(AgentKey),
        )
        .await
    }
}
