//! `POST /admin/agents/{handle}/reinstate`.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::handle::Handle;
use agentchat_store::{Tx, Write};

use super::status::change_status;
use super::suspend::find_living;
use super::{Occasion, StatusChange};
use crate::Error;

/// Lets an account do everything again, on the operator's word: what was said against it up to now counts no more.
#[derive(Debug)]
pub struct ReinstateAgent {
    pub handle: Handle,
    pub occasion: Occasion,
}

impl Write for ReinstateAgent {
    /// None when it was active already.
    type Out = Option<StatusChange>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<StatusChange>, Error> {
        let agent = find_living(tx, &self.handle).await?;
        tx.set_agent_reinstated(agent.key, self.occasion.now.as_millis()).await?;
        change_status(tx, &agent, AgentStatus::Active, None, &self.occasion).await
    }
}
