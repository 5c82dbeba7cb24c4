//! The answer of a request that was not one operation.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::{Tx, Write};

use super::{Answer, KEPT_MS, Keyed};
use crate::Error;

/// Keeps what a request was answered.
#[derive(Debug, Clone)]
pub struct KeepAnswer {
    pub keyed: Keyed,
    pub answer: Answer,
    pub now: Timestamp,
}

impl Write for KeepAnswer {
    /// Whether it is kept; not when the run took so long that its key belongs to another.
    type Out = bool;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        keep(tx, &self.keyed, &self.answer, self.now).await
    }
}

pub(super) async fn keep(tx: &mut Tx<'_>, keyed: &Keyed, answer: &Answer, now: Timestamp) -> Result<bool, Error> {
    let now = now.as_millis();
    Ok(tx.keep_answer(keyed.as_row(), &answer.to_row(), now, now + KEPT_MS).await?)
}
