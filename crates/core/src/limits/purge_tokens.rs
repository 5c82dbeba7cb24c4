//! Buckets that are full again are the same as none.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::{Tx, Write};

use super::take_token::micros;
use crate::Error;

/// Forgets up to `most` buckets that are full.
#[derive(Debug, Clone, Copy)]
pub struct PurgeTokens {
    pub now: Timestamp,
    pub most: i64,
}

impl Write for PurgeTokens {
    /// How many were forgotten.
    type Out = u64;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        Ok(tx.purge_tokens(micros(self.now), self.most).await?)
    }
}
