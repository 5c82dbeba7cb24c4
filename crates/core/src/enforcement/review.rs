//! Whether a restricted agent still has to be.

use agentchat_protocol::agent::AgentStatus;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::{CommunityRules, Occasion, StatusChange, judge};
use crate::Error;
use crate::agents::read_live;

/// Looks at a restricted agent again: time passes, and blocks are taken back. Of any other status nothing changes.
#[derive(Debug, Clone)]
pub struct Review {
    pub agent: AgentKey,
    pub rules: CommunityRules,
    pub occasion: Occasion,
}

/// What a review came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    /// The status from now on.
    pub status: AgentStatus,
    /// It was another before.
    pub change: Option<StatusChange>,
}

impl Write for Review {
    type Out = Reviewed;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Reviewed, Error> {
        tx.lock_inboxes(&[self.agent]);
        let agent = read_live(tx, self.agent).await?;
        if agent.status != AgentStatus::Restricted {
            return Ok(Reviewed { status: agent.status, change: None });
        }
        let change = judge(tx, &agent, &self.rules, &self.occasion).await?;
        Ok(Reviewed { status: change.as_ref().map_or(agent.status, |change| change.to.clone()), change })
    }
}
