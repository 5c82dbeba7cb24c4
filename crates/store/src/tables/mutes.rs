//! `mute`: what agents do not want to be disturbed by.

use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, ConversationKind};

use super::contacts::handle;
use crate::key::{AgentKey, ConversationKey};
use crate::row::Row;
use crate::{Result, Tx};

/// What is muted, by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MuteSubject {
    Agent(AgentKey),
    Conversation(ConversationKey),
}

/// What is muted, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MuteTarget {
    Agent(Handle),
    Conversation(ConversationId),
}

/// A mute, in force or not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuteRow {
    pub target: MuteTarget,
    /// None: without end.
    pub muted_until: Option<i64>,
    pub created_at: i64,
}

/// `SELECT` of everything [`mute_row`] reads.
macro_rules! mutes {
    ($rest:literal) => {
        concat!(
            "SELECT m.kind, m.muted_until, m.created_at, a.handle, c.kind, c.id FROM mute m \
             LEFT JOIN agent a ON m.kind = 0 AND a.pk = m.target \
             LEFT JOIN conversation c ON m.kind = 1 AND c.pk = m.target ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Mutes for `muter`, until a time or without end; an earlier mute keeps its beginning.
    pub async fn set_mute(
        &mut self,
        muter: AgentKey,
        subject: MuteSubject,
        until: Option<i64>,
        now: i64,
    ) -> Result<()> {
        let (kind, target) = match subject {
            MuteSubject::Agent(agent) => (0, agent.0),
            MuteSubject::Conversation(conversation) => (1, conversation.0),
        };
        self.execute(
            "INSERT INTO mute (muter, kind, target, muted_until, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (muter, kind, target) DO UPDATE SET muted_until = excluded.muted_until",
            &[muter.into(), kind.into(), target.into(), until.into(), now.into()],
        )
        .await?;
        Ok(())
    }

    /// [`Tx::set_mute`] of an agent.
    pub async fn mute_agent(&mut self, muter: AgentKey, agent: AgentKey, until: Option<i64>, now: i64) -> Result<()> {
        self.set_mute(muter, MuteSubject::Agent(agent), until, now).await
    }

    /// The mute of an agent or a conversation, in force or not.
    pub async fn mute(&mut self, muter: AgentKey, target: &MuteTarget) -> Result<Option<MuteRow>> {
        match target {
            MuteTarget::Agent(agent) => {
                let sql = mutes!("WHERE m.muter = $1 AND m.kind = 0 AND a.handle = $2");
                self.query_opt(sql, &[muter.into(), agent.as_str().into()], mute_row).await
            }
            MuteTarget::Conversation(id) => {
                let sql = mutes!("WHERE m.muter = $1 AND m.kind = 1 AND c.id = $2 AND c.kind = $3");
                self.query_opt(sql, &[muter.into(), (&id.bytes()).into(), kind_of(*id).into()], mute_row).await
            }
        }
    }

    /// Takes a mute back; false when there is none, in force or not.
    pub async fn remove_mute(&mut self, muter: AgentKey, target: &MuteTarget) -> Result<bool> {
        let removed = match target {
            MuteTarget::Agent(agent) => {
                self.execute(
                    "DELETE FROM mute WHERE muter = $1 AND kind = 0 \
                     AND target = (SELECT pk FROM agent WHERE handle = $2)",
                    &[muter.into(), agent.as_str().into()],
                )
                .await?
            }
            MuteTarget::Conversation(id) => {
                self.execute(
                    "DELETE FROM mute WHERE muter = $1 AND kind = 1 \
                     AND target = (SELECT pk FROM conversation WHERE id = $2 AND kind = $3)",
                    &[muter.into(), (&id.bytes()).into(), kind_of(*id).into()],
                )
                .await?
            }
        };
        Ok(removed > 0)
    }

    /// The mutes of `muter` that are in force, newest first; of agents (0) or of conversations (1) only, if asked.
    pub async fn list_mutes(&mut self, muter: AgentKey, kind: Option<i64>, now: i64) -> Result<Vec<MuteRow>> {
        self.query_all(
            mutes!(
                "WHERE m.muter = $1 AND ($2 < 0 OR m.kind = $2) AND (m.muted_until IS NULL OR m.muted_until > $3) \
                 ORDER BY m.created_at DESC, m.kind, m.target DESC"
            ),
            &[muter.into(), kind.unwrap_or(-1).into(), now.into()],
            mute_row,
        )
        .await
    }

    /// Whether `muter` has an active mute on the agent or on the conversation.
    pub async fn is_muted(
        &mut self,
        muter: AgentKey,
        agent: Option<AgentKey>,
        conversation: ConversationKey,
        now: i64,
    ) -> Result<bool> {
        let found = self
            .query_int(
                "SELECT 1 FROM mute WHERE muter = $1 AND ((kind = 0 AND target = $2) OR (kind = 1 AND target = $3)) \
                 AND (muted_until IS NULL OR muted_until > $4) LIMIT 1",
                &[muter.into(), agent.into(), conversation.into(), now.into()],
            )
            .await?;
        Ok(found.is_some())
    }

    /// Whether `muter` has an active mute on the conversation itself.
    pub async fn is_conversation_muted(
        &mut self,
        muter: AgentKey,
        conversation: ConversationKey,
        now: i64,
    ) -> Result<bool> {
        let found = self
            .query_int(
                "SELECT 1 FROM mute WHERE muter = $1 AND kind = 1 AND target = $2 \
                 AND (muted_until IS NULL OR muted_until > $3) LIMIT 1",
                &[muter.into(), conversation.into(), now.into()],
            )
            .await?;
        Ok(found.is_some())
    }
}

fn kind_of(id: ConversationId) -> i64 {
    i64::from(id.is_group())
}

fn mute_row(row: &Row<'_>) -> Result<MuteRow> {
    let target = match row.int(0)? {
        0 => MuteTarget::Agent(handle(row.str(3)?)?),
        _ => {
            let kind = if row.int(4)? == 0 { ConversationKind::Direct } else { ConversationKind::Group };
            MuteTarget::Conversation(ConversationId::from_bytes(kind, row.bytes(5)?))
        }
    };
    Ok(MuteRow { target, muted_until: row.opt_int(1)?, created_at: row.int(2)? })
}
