//! The job that clears what a deleted account left behind, one chunk an operation.

use agentchat_store::key::{AgentKey, JobKey};
use agentchat_store::tables::{JobRow, Work};
use agentchat_store::{Read, Tx, Write};

use crate::Error;
use crate::jobs::Claim;

/// Jobs that are not finished, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct UnfinishedJobs;

impl Read for UnfinishedJobs {
    type Out = Vec<JobKey>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<JobKey>, Error> {
        Ok(tx.unfinished_jobs().await?)
    }
}

/// Settles up to `chunk` envelopes of a deleted account, counter included, and prolongs the claim. Runs again while
/// it answers [`Progress::More`].
#[derive(Debug, Clone, Copy)]
pub struct ClearDeleted {
    pub job: JobKey,
    /// Rows of one transaction at the most, at least 1.
    pub chunk: u64,
    /// Of the node that runs this; without the job nothing is done.
    pub claim: Claim,
}

/// How a job goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    More,
    /// It is done, by whomever.
    Finished,
    /// Another node has claimed it; nothing was done.
    Lost,
}

impl ClearDeleted {
    /// Rows of one transaction.
    pub const CHUNK: u64 = 500;
}

impl Write for ClearDeleted {
    type Out = Progress;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Progress, Error> {
        let Some(job) = tx.job(self.job).await? else { return Ok(Progress::Finished) };
        let Claim { node, now, lease_ms } = &self.claim;
        if !tx.renew_job(job.key, node, *now, *lease_ms).await? {
            return Ok(Progress::Lost);
        }
        let Work::ClearInbox(agent) = job.work;
        if !self.settle_chunk(tx, agent, &job).await? {
            return Ok(Progress::More);
        }
        tx.delete_job(job.key).await?;
        Ok(Progress::Finished)
    }
}

impl ClearDeleted {
    /// Envelopes count as settled at the moment of the deletion, which is what readers showed before.
    async fn settle_chunk(&self, tx: &mut Tx<'_>, agent: AgentKey, job: &JobRow) -> Result<bool, Error> {
        let last = tx.nth_stored(agent, i64::MAX, self.chunk as i64).await?;
        let through = last.unwrap_or(i64::MAX);
        let settled = tx.settle_through(agent, through, job.created_at.as_millis()).await?;
        tx.count_settled(agent, settled).await?;
        Ok(last.is_none())
    }
}
