//! `agent`: accounts, cold.

use crate::{Result, Tx};

impl Tx<'_> {
    /// Number of accounts of any status.
    pub async fn count_agents(&mut self) -> Result<i64> {
        Ok(self.query_int("SELECT COUNT(*) FROM agent", &[]).await?.unwrap_or(0))
    }
}
