//! `POST /admin/rotate-system-agent-key`.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{Actor, AgentRow};
use agentchat_store::{Read, Tx, Write};

use super::replace_key::{FreshKey, replace_key};
use crate::support::DESK;
use crate::{Error, Rejection};

/// Looks for a system agent that somebody runs with a key.
#[derive(Debug, Clone)]
pub struct FindSystemAgent {
    /// `None`: what was sent is no handle, and so nobody's.
    pub handle: Option<Handle>,
}

/// It is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemAgent {
    pub key: AgentKey,
    pub handle: Handle,
}

impl Read for FindSystemAgent {
    type Out = SystemAgent;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<SystemAgent, Error> {
        let found = match &self.handle {
            Some(handle) => tx.agent_by_handle(handle).await?,
            None => None,
        };
        let row = check(found)?;
        Ok(SystemAgent { key: row.key, handle: row.handle })
    }
}

/// Gives a system agent another key; the one before is dead.
#[derive(Debug)]
pub struct ReplaceSystemKey {
    pub agent: AgentKey,
    /// SHA-256 of the fresh API key.
    pub key_hash: [u8; 32],
    /// A UUIDv7 for the event of the rotation.
    pub event: [u8; 16],
    pub now: Timestamp,
}

impl Write for ReplaceSystemKey {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        check(tx.agent(self.agent).await?)?;
        let fresh = FreshKey { key_hash: &self.key_hash, event: self.event, actor: Actor::System };
        if !replace_key(tx, self.agent, fresh, self.now).await? {
            return Err(not_a_system_agent("No system agent has this handle").into());
        }
        Ok(())
    }
}

/// The server's own desk answers without a key, and is to be reached with none.
fn check(found: Option<AgentRow>) -> Result<AgentRow, Rejection> {
    let row = found.filter(|row| row.is_system);
    let row = row.ok_or_else(|| not_a_system_agent("No system agent has this handle"))?;
    if row.handle.as_str() == DESK {
        return Err(not_a_system_agent("This agent is run by the server and needs no key"));
    }
    Ok(row)
}

fn not_a_system_agent(message: &str) -> Rejection {
    Rejection::new(ErrorCode::NotASystemAgent, message)
}
