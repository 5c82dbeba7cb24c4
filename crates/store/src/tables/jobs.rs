//! `job`: long work that is cut into chunks and resumed after a crash.

use agentchat_protocol::timestamp::Timestamp;

use crate::key::{AgentKey, JobKey};
use crate::{Result, StoreError, Tx};

/// What remains to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Settle everything that waits for a deleted agent.
    ClearInbox(AgentKey),
}

/// A stored job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobRow {
    pub key: JobKey,
    pub work: Work,
    pub created_at: Timestamp,
}

impl Tx<'_> {
    /// Stores a job in the transaction that makes it necessary.
    pub async fn insert_job(&mut self, work: Work, now: Timestamp) -> Result<JobKey> {
        let (kind, subject): (i64, i64) = match work {
            Work::ClearInbox(agent) => (0, agent.0),
        };
        let key = self
            .query_int(
                "INSERT INTO job (kind, subject, created_at) VALUES ($1, $2, $3) RETURNING pk",
                &[kind.into(), subject.into(), now.as_millis().into()],
            )
            .await?;
        key.map(JobKey).ok_or_else(|| StoreError::Internal("a stored job has no key".into()))
    }

    /// A job that is not finished.
    pub async fn job(&mut self, key: JobKey) -> Result<Option<JobRow>> {
        let found = self
            .query_opt("SELECT kind, subject, created_at FROM job WHERE pk = $1", &[key.into()], |row| {
                Ok((row.int(0)?, row.int(1)?, row.int(2)?))
            })
            .await?;
        let Some((kind, subject, created_at)) = found else { return Ok(None) };
        let work = match kind {
            0 => Work::ClearInbox(AgentKey(subject)),
            _ => return Err(StoreError::Internal(format!("job {} is of the unknown kind {kind}", key.0))),
        };
        Ok(Some(JobRow { key, work, created_at: Timestamp::from_millis(created_at) }))
    }

    /// Every job that is not finished, oldest first.
    pub async fn unfinished_jobs(&mut self) -> Result<Vec<JobKey>> {
        self.query_all("SELECT pk FROM job ORDER BY pk", &[], |row| row.int(0).map(JobKey)).await
    }

    /// Removes a finished job.
    pub async fn delete_job(&mut self, key: JobKey) -> Result<()> {
        self.execute("DELETE FROM job WHERE pk = $1", &[key.into()]).await?;
        Ok(())
    }
}
