//! What is over says nothing any more, and goes.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::{Tx, Write};

use crate::Error;

/// What is forgotten by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fleeting {
    Leases,
    Claims,
    Reviews,
}

impl Fleeting {
    /// All of it.
    pub const ALL: [Self; 3] = [Self::Leases, Self::Claims, Self::Reviews];
}

/// Forgets up to `most` of those whose time is over.
#[derive(Debug, Clone, Copy)]
pub struct PurgeFleeting {
    pub what: Fleeting,
    pub now: Timestamp,
    pub most: i64,
}

impl Write for PurgeFleeting {
    /// How many were forgotten.
    type Out = u64;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        tx.may_be_lost();
        let now = self.now.as_millis();
        Ok(match self.what {
            Fleeting::Leases => tx.purge_reply_leases(now, self.most).await?,
            Fleeting::Claims => tx.purge_reply_claims(now, self.most).await?,
            Fleeting::Reviews => tx.purge_pending_reviews(now, self.most).await?,
        })
    }
}
