//! A run: who has it, how far it is, its end.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::MessageKey;
use agentchat_store::tables::RetentionRow;
use agentchat_store::{Read, Tx, Write};

use crate::Error;
use crate::jobs::Claim;

/// Takes the next run, if it is due and no other node works on it.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRun(pub Claim);

impl Write for ClaimRun {
    /// The message that was looked at last.
    type Out = Option<MessageKey>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<MessageKey>, Error> {
        let Claim { node, now, lease_ms } = &self.0;
        Ok(tx.claim_retention(node, now.as_millis(), *lease_ms).await?)
    }
}

/// Notes that everything up to a message was looked at, and prolongs the claim.
#[derive(Debug, Clone)]
pub struct AdvanceRun {
    pub claim: Claim,
    pub through: MessageKey,
    /// To be looked at again.
    pub waiting: Vec<MessageKey>,
}

impl Write for AdvanceRun {
    /// False when another node has the run by now.
    type Out = bool;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let Claim { node, now, lease_ms } = &self.claim;
        let ours = tx.renew_retention(node, now.as_millis(), *lease_ms).await?;
        if ours {
            tx.advance_retention(self.through, &self.waiting).await?;
        }
        Ok(ours)
    }
}

/// Ends a run; its counts are the last run's from now on.
#[derive(Debug, Clone, Copy)]
pub struct EndRun {
    pub node: [u8; 16],
    pub now: Timestamp,
    pub next_at: Timestamp,
}

impl Write for EndRun {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(tx.end_retention(&self.node, self.now.as_millis(), self.next_at.as_millis()).await?)
    }
}

/// What was done last and what comes next.
#[derive(Debug, Clone, Copy)]
pub struct ShowRetention;

impl Read for ShowRetention {
    /// None before the first run.
    type Out = Option<RetentionRow>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<RetentionRow>, Error> {
        Ok(tx.retention().await?)
    }
}
