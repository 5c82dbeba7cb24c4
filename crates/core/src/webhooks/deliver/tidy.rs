//! The queue as a whole: what is due next, what is given back, what is forgotten.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::{Read, Tx, Write};

use crate::Error;

/// Delivered and dead calls are kept for so long.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Asks when the next call is due.
#[derive(Debug, Clone, Copy)]
pub struct NextCall;

impl Read for NextCall {
    type Out = Option<Timestamp>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Timestamp>, Error> {
        Ok(tx.next_call_at().await?.map(Timestamp::from_millis))
    }
}

/// Gives claimed calls back: those of a node that stops, or all when no other node can have any.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseCalls {
    pub node: Option<[u8; 16]>,
    pub now: Timestamp,
}

impl Write for ReleaseCalls {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(tx.release_calls(self.node.as_ref(), self.now.as_millis()).await?)
    }
}

/// Forgets finished calls whose time is over; answers how many.
#[derive(Debug, Clone, Copy)]
pub struct PurgeCalls {
    pub now: Timestamp,
    pub most: i64,
}

impl Write for PurgeCalls {
    type Out = u64;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        Ok(tx.purge_calls(self.now.as_millis() - KEPT_MS, self.most).await?)
    }
}
