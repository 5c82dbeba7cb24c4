//! Jobs belong to the node that claimed them last, until its claim runs out.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::JobKey;
use agentchat_store::{Tx, Write};

use crate::Error;

/// Who claims, since when, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Drawn by each process when it starts.
    pub node: [u8; 16],
    pub now: Timestamp,
    /// Milliseconds from `now`. Negative for a node that is alone: what it leaves behind is free at once.
    pub lease_ms: i64,
}

/// Takes the oldest job that nobody works on.
#[derive(Debug, Clone, Copy)]
pub struct ClaimJob(pub Claim);

impl Write for ClaimJob {
    /// None when there is no such job.
    type Out = Option<JobKey>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<JobKey>, Error> {
        let Claim { node, now, lease_ms } = &self.0;
        Ok(tx.claim_job(node, *now, *lease_ms).await?.map(|job| job.key))
    }
}

/// Lets another node go on with a job. One that is not this node's any more stays where it is.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseJob {
    pub job: JobKey,
    pub node: [u8; 16],
    pub now: Timestamp,
}

impl Write for ReleaseJob {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.renew_job(self.job, &self.node, self.now, -1).await?;
        Ok(())
    }
}
