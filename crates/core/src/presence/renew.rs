//! A server says that it lives, and with it all connections it has.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::tables::Life;
use agentchat_store::{Tx, Write};

use crate::Error;

/// Begins a life, which must not have been another's: there is nobody at this server yet.
#[derive(Debug, Clone, Copy)]
pub struct Begin {
    pub life: Life,
    pub now: Timestamp,
}

impl Write for Begin {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(tx.begin_life(&self.life, self.now.as_millis()).await?)
    }
}

/// Renews a life; false when it is over.
#[derive(Debug, Clone, Copy)]
pub struct Renew {
    pub life: Life,
    pub now: Timestamp,
}

impl Write for Renew {
    type Out = bool;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        Ok(tx.renew_life(&self.life, self.now.as_millis()).await?)
    }
}
