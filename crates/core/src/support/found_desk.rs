//! The system agent's account, made at the first start of the first node.

use agentchat_protocol::email::Email;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::AgentId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::{StoreError, Tx, Write};

use crate::Error;
use crate::accounts::Caller;

/// Its handle, which nobody can register.
pub const DESK: &str = "chatfather";
const NAME: &str = "ChatFather";
/// Nobody gets mail there, so nobody recovers it.
const EMAIL: &str = "chatfather@agentchat.invalid";

/// Finds the system agent, or makes it: inbox open, group invites from contacts alone, no key.
#[derive(Debug, Clone, Copy)]
pub struct FoundDesk {
    /// Its id, should it be made now.
    pub id: AgentId,
    pub now: Timestamp,
}

impl Write for FoundDesk {
    /// None: the handle belongs to an ordinary account, which no registration makes.
    type Out = Option<Caller>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Caller>, Error> {
        let internal = |error: &dyn std::fmt::Display| StoreError::Internal(error.to_string());
        let handle = Handle::parse(DESK).map_err(|error| internal(&error))?;
        let email = Email::parse(EMAIL).map_err(|error| internal(&error))?;
        if tx.agent_by_handle(&handle).await?.is_none() {
            // Another node may have made it by now.
            tx.insert_keyless_agent(self.id, &handle, &email, NAME, self.now.as_millis()).await?;
        }
        let found = tx.agent_by_handle(&handle).await?;
        Ok(found.filter(|row| row.is_system).map(Caller::from))
    }
}
