//! `contact`, `block`, `mute`: what agents think of each other.

use crate::key::{AgentKey, ConversationKey};
use crate::{Result, Tx};

/// A contact edge as its owner keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactEdge {
    pub added_at: i64,
    pub notes: Option<String>,
}

impl Tx<'_> {
    /// Puts `contact` into the contacts of `owner`, unless it is there.
    pub async fn add_contact(&mut self, owner: AgentKey, contact: AgentKey, now: i64) -> Result<()> {
        self.execute_later(
            "INSERT INTO contact (owner, contact, added_at) VALUES ($1, $2, $3) ON CONFLICT (owner, contact) DO NOTHING",
            &[owner.into(), contact.into(), now.into()],
        )
        .await?;
        Ok(())
    }

    /// The owner's edge to `contact`.
    pub async fn contact(&mut self, owner: AgentKey, contact: AgentKey) -> Result<Option<ContactEdge>> {
        self.query_opt(
            "SELECT added_at, notes FROM contact WHERE owner = $1 AND contact = $2",
            &[owner.into(), contact.into()],
            |row| Ok(ContactEdge { added_at: row.int(0)?, notes: row.opt_text(1)? }),
        )
        .await
    }

    /// Blocks `blocked` for `blocker`; false when it was blocked already.
    pub async fn add_block(&mut self, blocker: AgentKey, blocked: AgentKey, now: i64) -> Result<bool> {
        let added = self
            .execute(
                "INSERT INTO block (blocker, blocked, created_at) VALUES ($1, $2, $3) \
                 ON CONFLICT (blocker, blocked) DO NOTHING",
                &[blocker.into(), blocked.into(), now.into()],
            )
            .await?;
        Ok(added == 1)
    }

    /// Mutes an agent for `muter`, until a time or without end.
    pub async fn mute_agent(&mut self, muter: AgentKey, agent: AgentKey, until: Option<i64>, now: i64) -> Result<()> {
        self.execute(
            "INSERT INTO mute (muter, kind, target, muted_until, created_at) VALUES ($1, 0, $2, $3, $4) \
             ON CONFLICT (muter, kind, target) DO UPDATE SET muted_until = excluded.muted_until",
            &[muter.into(), agent.into(), until.into(), now.into()],
        )
        .await?;
        Ok(())
    }

    /// Whether a block exists in either direction.
    pub async fn is_blocked_between(&mut self, one: AgentKey, other: AgentKey) -> Result<bool> {
        let found = self
            .query_int(
                "SELECT 1 FROM block WHERE (blocker = $1 AND blocked = $2) OR (blocker = $2 AND blocked = $1) LIMIT 1",
                &[one.into(), other.into()],
            )
            .await?;
        Ok(found.is_some())
    }

    /// Whether `muter` has an active mute on the agent or on the conversation.
    pub async fn is_muted(
        &mut self,
        muter: AgentKey,
        agent: AgentKey,
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
}
