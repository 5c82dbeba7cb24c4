//! An operation and its answer, kept in one transaction.

use std::fmt;

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::{HotRow, Tx, Write};

use super::keep_answer::keep;
use super::{Answer, Keyed, still_running};
use crate::Error;

/// Runs an operation, renders its answer and keeps that: the one is durable iff the other is.
pub struct WithAnswer<W, R> {
    pub operation: W,
    pub render: R,
    pub keyed: Keyed,
    pub now: Timestamp,
}

/// What the operation made, and the answer that says so.
#[derive(Debug)]
pub struct Answered<T> {
    pub out: T,
    pub answer: Answer,
}

impl<W, R> fmt::Debug for WithAnswer<W, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithAnswer").field("keyed", &self.keyed).finish_non_exhaustive()
    }
}

impl<W, R> Write for WithAnswer<W, R>
where
    W: Write<Error = Error>,
    R: Fn(&W::Out) -> Result<Answer, Error> + Send + Sync + 'static,
{
    type Out = Answered<W::Out>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Answered<W::Out>, Error> {
        let out = self.operation.run(tx).await?;
        let answer = (self.render)(&out)?;
        // A run that took so long that another began leaves everything to that one.
        if answer.is_kept() && !keep(tx, &self.keyed, &answer, self.now).await? {
            return Err(still_running().into());
        }
        Ok(Answered { out, answer })
    }

    fn hot_row(&self) -> Option<HotRow> {
        self.operation.hot_row()
    }

    fn lock_before_hot_row(&self, tx: &mut Tx<'_>) {
        self.operation.lock_before_hot_row(tx);
    }
}
