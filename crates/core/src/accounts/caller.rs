//! Who is calling: the agent behind an API key.

use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::AgentId;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::AgentRow;
use agentchat_store::{Read, Tx};

use crate::Error;

/// An authenticated agent as it was when its key was last looked up. Servers cache it, so whatever must be exact
/// (status, pause) is asked again inside the transaction that depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub key: AgentKey,
    pub id: AgentId,
    pub handle: Handle,
    pub status: AgentStatus,
    pub paused: PausedByOwner,
    pub is_system: bool,
    /// Counts key rotations and status changes.
    pub epoch: i64,
    pub display_name: Option<String>,
}

impl From<AgentRow> for Caller {
    fn from(row: AgentRow) -> Self {
        Self {
            key: row.key,
            id: row.id,
            handle: row.handle,
            status: row.status,
            paused: row.paused,
            is_system: row.is_system,
            epoch: row.epoch,
            display_name: row.display_name,
        }
    }
}

/// Finds the agent of an API key. Deleted accounts have none; suspended ones are found.
#[derive(Debug, Clone, Copy)]
pub struct Authenticate {
    /// SHA-256 of the whole key. Looking up by hash compares no secret byte by byte.
    pub key_hash: [u8; 32],
}

impl Read for Authenticate {
    type Out = Option<Caller>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Caller>, Error> {
        Ok(tx.agent_by_key_hash(&self.key_hash).await?.map(Caller::from))
    }
}
