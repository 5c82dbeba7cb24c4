//! The directory: `agent` by the beginning of handles, for everybody.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::timestamp::Timestamp;

use super::agents::{self, beyond};
use super::contacts::handle;
use crate::key::AgentKey;
use crate::row::Row;
use crate::{Result, Tx};

/// An account as everybody may see it, and whether it is in the asking agent's contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryRow {
    pub handle: Handle,
    pub display_name: Option<String>,
    pub description: Option<String>,
    /// Its `avatar_key`.
    pub avatar: Option<String>,
    pub status: AgentStatus,
    pub is_system: bool,
    pub created_at: Timestamp,
    pub in_contacts: bool,
}

impl Tx<'_> {
    /// Active and restricted accounts whose handle begins with `prefix` (of characters of handles only), by handle.
    pub async fn search_directory(
        &mut self,
        viewer: AgentKey,
        prefix: &str,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<DirectoryRow>> {
        self.query_all(
            "SELECT a.handle, a.display_name, a.description, a.status, a.is_system, a.created_at, \
             CASE WHEN EXISTS (SELECT 1 FROM contact k WHERE k.owner = $1 AND k.contact = a.pk) THEN 1 ELSE 0 END, a.avatar \
             FROM agent a WHERE a.handle >= $2 AND a.handle < $3 AND a.status < 2 \
             ORDER BY a.handle LIMIT $4 OFFSET $5",
            &[viewer.into(), prefix.into(), (&beyond(prefix)).into(), (limit as i64).into(), (offset as i64).into()],
            directory_row,
        )
        .await
    }

    /// How many [`Tx::search_directory`] would find without a page's bounds.
    pub async fn count_directory(&mut self, prefix: &str) -> Result<u64> {
        let count = self
            .query_int(
                "SELECT COUNT(*) FROM agent WHERE handle >= $1 AND handle < $2 AND status < 2",
                &[prefix.into(), (&beyond(prefix)).into()],
            )
            .await?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }
}

fn directory_row(row: &Row<'_>) -> Result<DirectoryRow> {
    Ok(DirectoryRow {
        handle: handle(row.str(0)?)?,
        display_name: row.opt_text(1)?,
        description: row.opt_text(2)?,
        status: agents::status(row.int(3)?)?,
        is_system: row.bool(4)?,
        created_at: Timestamp::from_millis(row.int(5)?),
        in_contacts: row.bool(6)?,
        avatar: row.opt_text(7)?,
    })
}
