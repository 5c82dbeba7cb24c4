//! `/v1/reply/claim` and `/v1/reply/claim-batch`: who replies to which messages.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{StoreError, Tx, Write};

use crate::Error;

/// How long a claim holds.
const HELD_MS: i64 = 900_000;

/// Claims messages for a holder, in order, up to the first that another holds.
#[derive(Debug, Clone)]
pub struct ClaimReplies {
    pub agent: AgentKey,
    /// Whatever the client calls them; they need not exist.
    pub messages: Vec<String>,
    pub holder: String,
    /// Claim nothing while a session replies by itself.
    pub defer_if_active: bool,
    pub now: Timestamp,
}

/// What was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// So many messages, from the first, are the holder's.
    pub count: usize,
    pub deferred: bool,
}

impl Write for ClaimReplies {
    type Out = Claims;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Claims, Error> {
        let now = self.now.as_millis();
        tx.may_be_lost();
        tx.lock_replies(self.agent);
        if self.defer_if_active && tx.has_reply_lease(self.agent, now).await? {
            return Ok(Claims { count: 0, deferred: true });
        }
        let wanted = list(&self.messages)?;
        let foreign = tx.first_foreign_claim(self.agent, &wanted, &self.holder, now).await?;
        let free = foreign.map_or(self.messages.len(), |place| usize::try_from(place).unwrap_or(0));
        if free > 0 {
            let claimed = list(&self.messages[..free])?;
            tx.claim_replies(self.agent, &claimed, &self.holder, now + HELD_MS).await?;
        }
        Ok(Claims { count: free, deferred: false })
    }
}

fn list(messages: &[String]) -> Result<String, StoreError> {
    serde_json::to_string(messages).map_err(|error| StoreError::Internal(error.to_string()))
}
