//! When agents were there last, for the operator.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::Life;
use agentchat_store::{Read, Tx};

use super::TTL_MS;
use crate::Error;

/// When each of these agents was heard of last; those that never were are left out.
#[derive(Debug, Clone)]
pub struct LastSeen {
    pub agents: Vec<AgentKey>,
    /// The asking server's.
    pub life: Life,
    pub now: Timestamp,
}

impl Read for LastSeen {
    type Out = Vec<(AgentKey, Timestamp)>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<(AgentKey, Timestamp)>, Error> {
        let rows = tx.presences(&self.life, self.now.as_millis() - TTL_MS, &self.agents).await?;
        let last = rows.iter().filter_map(|row| {
            let last = row.last_seen.max(row.here).max(row.elsewhere)?;
            Some((row.agent, Timestamp::from_millis(last)))
        });
        Ok(last.collect())
    }
}
