//! `POST /admin/agents/{handle}/suspend`.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::handle::Handle;
use agentchat_store::tables::AgentRow;
use agentchat_store::{Tx, Write};

use super::status::change_status;
use super::{Occasion, StatusChange};
use crate::agents::protect_system;
use crate::{Error, Rejection};

/// Suspends an account on the operator's word, until the operator reinstates it.
#[derive(Debug)]
pub struct SuspendAgent {
    pub handle: Handle,
    /// Noted with the event.
    pub reason: Option<String>,
    pub occasion: Occasion,
}

impl Write for SuspendAgent {
    /// None when it was suspended already.
    type Out = Option<StatusChange>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<StatusChange>, Error> {
        let agent = find_living(tx, &self.handle).await?;
        protect_system(&agent)?;
        change_status(tx, &agent, AgentStatus::Suspended, self.reason.as_deref(), &self.occasion).await
    }
}

/// The account of a handle unless it is deleted, locked.
pub(super) async fn find_living(tx: &mut Tx<'_>, handle: &Handle) -> Result<AgentRow, Error> {
    tx.lock_inbox_of(handle);
    let found = tx.agent_by_handle(handle).await?;
    Ok(found.filter(|row| row.status != AgentStatus::Deleted).ok_or_else(Rejection::agent_not_found)?)
}
