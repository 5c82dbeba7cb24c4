//! The job that clears what a deleted account left behind, one chunk an operation.

use agentchat_store::key::{AgentKey, JobKey};
use agentchat_store::tables::{JobRow, Work};
use agentchat_store::{Read, Tx, Write};

use crate::Error;

/// Jobs that a crash or a shutdown left unfinished, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct UnfinishedJobs;

impl Read for UnfinishedJobs {
    type Out = Vec<JobKey>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<JobKey>, Error> {
        Ok(tx.unfinished_jobs().await?)
    }
}

/// Settles up to `chunk` envelopes of a deleted account, counter included. Runs again until it answers `true`;
/// a job that another run finished is finished.
#[derive(Debug, Clone, Copy)]
pub struct ClearDeleted {
    pub job: JobKey,
    /// Rows of one transaction at the most, at least 1.
    pub chunk: u64,
}

impl ClearDeleted {
    /// Rows of one transaction.
    pub const CHUNK: u64 = 500;
}

impl Write for ClearDeleted {
    /// Whether the job is finished.
    type Out = bool;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let Some(job) = tx.job(self.job).await? else { return Ok(true) };
        let Work::ClearInbox(agent) = job.work;
        let finished = self.settle_chunk(tx, agent, &job).await?;
        if finished {
            tx.delete_job(job.key).await?;
        }
        Ok(finished)
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
