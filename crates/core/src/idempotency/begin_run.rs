//! The first step of a request under a key.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::{Read, Tx, Write};

use super::{Begun, Keyed, RUNNING_MS};
use crate::Error;

/// Marks the request as running, for all nodes, unless its key stands for something.
///
/// Rejections: `IDEMPOTENCY_KEY_CONFLICT`, `IDEMPOTENT_IN_PROGRESS`.
#[derive(Debug, Clone)]
pub struct BeginRun {
    pub keyed: Keyed,
    pub now: Timestamp,
}

impl Write for BeginRun {
    type Out = Begun;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Begun, Error> {
        // A mark that is lost lets a second run begin, of which only one can keep its answer and what it did.
        tx.may_be_lost();
        let now = self.now.as_millis();
        if tx.begin_idempotent(self.keyed.as_row(), now, now + RUNNING_MS).await? {
            return Ok(Begun::Fresh);
        }
        let row = tx.idempotency(self.keyed.scope, &self.keyed.key, now).await?;
        Ok(self.keyed.meets(row)?)
    }
}

/// Looks for an answer, where what is running is known without the store.
///
/// Rejections: `IDEMPOTENCY_KEY_CONFLICT`, `IDEMPOTENT_IN_PROGRESS`.
#[derive(Debug, Clone)]
pub struct FindAnswer {
    pub keyed: Keyed,
    pub now: Timestamp,
}

impl Read for FindAnswer {
    type Out = Begun;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Begun, Error> {
        let row = tx.idempotency(self.keyed.scope, &self.keyed.key, self.now.as_millis()).await?;
        Ok(self.keyed.meets(row)?)
    }
}
