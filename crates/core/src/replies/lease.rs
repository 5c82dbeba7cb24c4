//! `/v1/reply/active`: sessions that reply by themselves.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx, Write};

use crate::Error;

/// Takes or extends the lease of a session, or sets the agent's unnamed marker.
#[derive(Debug, Clone)]
pub struct TakeLease {
    pub agent: AgentKey,
    pub session: Option<String>,
    pub until: Timestamp,
}

impl Write for TakeLease {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.may_be_lost();
        tx.lock_replies(self.agent);
        Ok(tx.put_reply_lease(self.agent, self.session.as_deref(), self.until.as_millis()).await?)
    }
}

/// Releases the lease of a session, or the unnamed marker, if it is there.
#[derive(Debug, Clone)]
pub struct ReleaseLease {
    pub agent: AgentKey,
    pub session: Option<String>,
    pub now: Timestamp,
}

impl Write for ReleaseLease {
    /// Whether anybody replies for the agent still.
    type Out = bool;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        tx.may_be_lost();
        tx.lock_replies(self.agent);
        tx.drop_reply_lease(self.agent, self.session.as_deref()).await?;
        Ok(tx.has_reply_lease(self.agent, self.now.as_millis()).await?)
    }
}

/// Whether anybody replies for an agent.
#[derive(Debug, Clone, Copy)]
pub struct HasLease {
    pub agent: AgentKey,
    pub now: Timestamp,
}

impl Read for HasLease {
    type Out = bool;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        Ok(tx.has_reply_lease(self.agent, self.now.as_millis()).await?)
    }
}
