//! Answers whose day is over.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::{Tx, Write};

use crate::Error;

/// Forgets up to `most` answers that nobody gets any more.
#[derive(Debug, Clone, Copy)]
pub struct PurgeAnswers {
    pub now: Timestamp,
    pub most: i64,
}

impl Write for PurgeAnswers {
    /// How many were forgotten.
    type Out = u64;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        tx.may_be_lost();
        Ok(tx.purge_idempotency(self.now.as_millis(), self.most).await?)
    }
}
