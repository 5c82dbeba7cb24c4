//! `GET /v1/contacts/blocked`.

use agentchat_protocol::contact::{BlockedAgent, BlockedPage};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::BlockRow;
use agentchat_store::{Read, Tx};

use crate::Error;

/// Whom the caller has blocked, newest first.
#[derive(Debug, Clone, Copy)]
pub struct ListBlocked {
    pub blocker: AgentKey,
    pub limit: u64,
    pub offset: u64,
}

impl Read for ListBlocked {
    type Out = BlockedPage;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<BlockedPage, Error> {
        let Self { blocker, limit, offset } = *self;
        let rows = tx.list_blocked(blocker, limit, offset).await?;
        let blocked = rows.into_iter().map(blocked).collect();
        Ok(BlockedPage { blocked, total: tx.count_blocked(blocker).await?, limit, offset })
    }
}

fn blocked(row: BlockRow) -> BlockedAgent {
    BlockedAgent {
        handle: row.handle,
        display_name: row.display_name,
        blocked_at: Timestamp::from_millis(row.created_at),
    }
}
