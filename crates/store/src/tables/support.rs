//! `escalation`, and what a system agent asks about those who write to it.

use agentchat_protocol::email::Email;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::AgentId;

use crate::key::{AgentKey, ConversationKey, MessageKey};
use crate::row::Row;
use crate::{Result, Tx};

/// A report to the operator, as it is made.
#[derive(Debug, Clone, Copy)]
pub struct NewEscalation<'a> {
    pub id: &'a [u8; 16],
    /// Who reports.
    pub agent: AgentKey,
    pub conversation: ConversationKey,
    /// The message that reports.
    pub message: MessageKey,
    /// A word of the contract.
    pub category: &'a str,
    pub summary: &'a str,
    pub created_at: i64,
}

/// A stored report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationRow {
    pub id: [u8; 16],
    pub handle: String,
    pub conversation_id: [u8; 16],
    pub message_id: [u8; 16],
    pub category: String,
    pub summary: String,
    /// 0 open, 1 in progress, 2 resolved, 3 discarded.
    pub status: i64,
    pub created_at: i64,
    pub resolved_at: Option<i64>,
    pub resolved_by: Option<String>,
    pub note: Option<String>,
}

macro_rules! escalations {
    ($rest:literal) => {
        concat!(
            "SELECT e.id, a.handle, c.id, m.id, e.category, e.summary, e.status, e.created_at, e.resolved_at, \
                    e.resolved_by, e.resolution_note \
             FROM escalation e JOIN agent a ON a.pk = e.agent JOIN conversation c ON c.pk = e.conversation \
             JOIN message m ON m.pk = e.message ",
            $rest
        )
    };
}

fn escalation(row: &Row<'_>) -> Result<EscalationRow> {
    Ok(EscalationRow {
        id: row.bytes(0)?,
        handle: row.text(1)?,
        conversation_id: row.bytes(2)?,
        message_id: row.bytes(3)?,
        category: row.text(4)?,
        summary: row.text(5)?,
        status: row.int(6)?,
        created_at: row.int(7)?,
        resolved_at: row.opt_int(8)?,
        resolved_by: row.opt_text(9)?,
        note: row.opt_text(10)?,
    })
}

impl Tx<'_> {
    /// Makes an account that no key opens and that is invited by its contacts alone; `None` when the handle is taken.
    pub async fn insert_keyless_agent(
        &mut self,
        id: AgentId,
        handle: &Handle,
        email: &Email,
        display_name: &str,
        now: i64,
    ) -> Result<Option<AgentKey>> {
        let key = self
            .query_int(
                "INSERT INTO agent (id, handle, email, display_name, status, invite_policy, is_system, created_at, \
                                    updated_at) \
                 VALUES ($1, $2, $3, $4, 0, 1, 1, $5, $5) ON CONFLICT (handle) DO NOTHING RETURNING pk",
                &[(&id.bytes()).into(), handle.as_str().into(), email.as_str().into(), display_name.into(), now.into()],
            )
            .await?;
        let Some(key) = key.map(AgentKey) else { return Ok(None) };
        self.create_inbox(key).await?;
        Ok(Some(key))
    }

    /// When `sender` said the message that is `back` messages of its own before the one of this seq.
    pub async fn said_before(
        &mut self,
        conversation: ConversationKey,
        sender: AgentKey,
        seq: i64,
        back: i64,
    ) -> Result<Option<i64>> {
        self.query_int(
            "SELECT created_at FROM message WHERE conversation = $1 AND sender = $2 AND seq <= $3 \
             ORDER BY seq DESC LIMIT 1 OFFSET $4",
            &[conversation.into(), sender.into(), seq.into(), back.into()],
        )
        .await
    }

    /// How many messages behind its first `sender` said in a conversation since a time, counted up to `most`.
    pub async fn said_since(
        &mut self,
        conversation: ConversationKey,
        sender: AgentKey,
        since: i64,
        most: i64,
    ) -> Result<i64> {
        // The times of a conversation rise, so that only what was said since is looked at.
        let counted = self
            .query_int(
                "SELECT COUNT(*) FROM (SELECT 1 FROM message WHERE conversation = $1 AND sender = $2 AND seq > 1 \
                 AND seq > COALESCE((SELECT seq FROM message WHERE conversation = $1 AND created_at < $3 \
                                     ORDER BY seq DESC LIMIT 1), 0) LIMIT $4) said",
                &[conversation.into(), sender.into(), since.into(), most.into()],
            )
            .await?;
        Ok(counted.unwrap_or(0))
    }

    /// Stores a report.
    pub async fn insert_escalation(&mut self, new: NewEscalation<'_>) -> Result<()> {
        self.execute_later(
            "INSERT INTO escalation (id, agent, conversation, message, category, summary, status, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7)",
            &[
                new.id.into(),
                new.agent.into(),
                new.conversation.into(),
                new.message.into(),
                new.category.into(),
                new.summary.into(),
                new.created_at.into(),
            ],
        )
        .await
    }

    /// Reports whose status is between two, from before a time, newest first.
    pub async fn escalations(
        &mut self,
        (lowest, highest): (i64, i64),
        before: i64,
        limit: i64,
    ) -> Result<Vec<EscalationRow>> {
        self.query_all(
            escalations!(
                "WHERE e.status >= $1 AND e.status <= $2 AND e.created_at < $3 \
                 ORDER BY e.created_at DESC, e.pk DESC LIMIT $4"
            ),
            &[lowest.into(), highest.into(), before.into(), limit.into()],
            escalation,
        )
        .await
    }

    /// One report, for whoever changes it.
    pub async fn escalation_to_change(&mut self, id: &[u8; 16]) -> Result<Option<EscalationRow>> {
        self.lock("SELECT pk FROM escalation WHERE id = $1 FOR UPDATE", &[id.into()]);
        self.query_opt(escalations!("WHERE e.id = $1"), &[id.into()], escalation).await
    }

    /// Writes what the operator said of a report.
    pub async fn update_escalation(&mut self, row: &EscalationRow) -> Result<()> {
        self.execute_later(
            "UPDATE escalation SET status = $1, resolved_at = $2, resolved_by = $3, resolution_note = $4 WHERE id = $5",
            &[
                row.status.into(),
                row.resolved_at.into(),
                row.resolved_by.as_deref().into(),
                row.note.as_deref().into(),
                (&row.id).into(),
            ],
        )
        .await
    }
}
