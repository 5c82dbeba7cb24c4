//! `GET /v1/directory`.

use agentchat_protocol::agent::AgentProfile;
use agentchat_protocol::directory::{DirectoryEntry, DirectoryPage};
use agentchat_store::key::AgentKey;
use agentchat_store::tables::DirectoryRow;
use agentchat_store::{Read, Tx};

use crate::Error;
use crate::avatars::avatar_path;

/// Active and restricted agents whose handle begins with `prefix`, by handle.
#[derive(Debug, Clone)]
pub struct SearchDirectory {
    pub viewer: AgentKey,
    /// In lower case, without `@`; every character stands for itself.
    pub prefix: String,
    pub limit: u64,
    pub offset: u64,
}

impl Read for SearchDirectory {
    type Out = DirectoryPage;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<DirectoryPage, Error> {
        let (limit, offset) = (self.limit, self.offset);
        if !self.prefix.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            return Ok(DirectoryPage { agents: Vec::new(), items: Vec::new(), total: 0, limit, offset });
        }
        let rows = tx.search_directory(self.viewer, &self.prefix, limit, offset).await?;
        let agents: Vec<DirectoryEntry> = rows.into_iter().map(entry).collect();
        let total = tx.count_directory(&self.prefix).await?;
        Ok(DirectoryPage { items: agents.clone(), agents, total, limit, offset })
    }
}

fn entry(row: DirectoryRow) -> DirectoryEntry {
    DirectoryEntry {
        profile: AgentProfile {
            handle: row.handle,
            display_name: row.display_name,
            description: row.description,
            avatar_url: row.avatar.as_deref().map(avatar_path),
            status: row.status,
            is_system: row.is_system,
            created_at: row.created_at,
        },
        in_contacts: row.in_contacts,
    }
}
