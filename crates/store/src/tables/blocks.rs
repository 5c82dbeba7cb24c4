//! `block`: who wants to hear nothing of whom.

use agentchat_protocol::handle::Handle;

use super::contacts::handle;
use crate::key::AgentKey;
use crate::{Result, Tx};

/// Somebody who is blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRow {
    pub handle: Handle,
    pub display_name: Option<String>,
    pub created_at: i64,
}

impl Tx<'_> {
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

    /// Takes a block of whoever has that handle back; false when there is none.
    pub async fn remove_block(&mut self, blocker: AgentKey, blocked: &Handle) -> Result<bool> {
        let removed = self
            .execute(
                "DELETE FROM block WHERE blocker = $1 AND blocked = (SELECT pk FROM agent WHERE handle = $2)",
                &[blocker.into(), blocked.as_str().into()],
            )
            .await?;
        Ok(removed > 0)
    }

    /// Whom `blocker` has blocked, whatever their status, newest first.
    pub async fn list_blocked(&mut self, blocker: AgentKey, limit: u64, offset: u64) -> Result<Vec<BlockRow>> {
        self.query_all(
            "SELECT a.handle, a.display_name, b.created_at FROM block b JOIN agent a ON a.pk = b.blocked \
             WHERE b.blocker = $1 ORDER BY b.created_at DESC, a.handle LIMIT $2 OFFSET $3",
            &[blocker.into(), (limit as i64).into(), (offset as i64).into()],
            |row| {
                Ok(BlockRow { handle: handle(row.str(0)?)?, display_name: row.opt_text(1)?, created_at: row.int(2)? })
            },
        )
        .await
    }

    /// How many `blocker` has blocked.
    pub async fn count_blocked(&mut self, blocker: AgentKey) -> Result<u64> {
        let count = self.query_int("SELECT COUNT(*) FROM block WHERE blocker = $1", &[blocker.into()]).await?;
        Ok(count.unwrap_or(0).unsigned_abs())
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
}
