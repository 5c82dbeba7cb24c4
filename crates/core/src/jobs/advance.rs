//! A chunk of a job, whatever it is about.

use agentchat_protocol::id::MessageId;
use agentchat_store::key::{AgentKey, ConversationKey, JobKey};
use agentchat_store::tables::{JobRow, Work};
use agentchat_store::{Read, Tx, Write};

use super::Claim;
use crate::Error;
use crate::agents::clear_some;
use crate::groups::{GroupEnd, close_some, group_end};
use crate::messages::Posted;

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

/// Works on a claimed job for one short transaction, and prolongs the claim. Runs again while it answers
/// [`Progress::More`], with fresh ids.
#[derive(Debug, Clone, Copy)]
pub struct Advance {
    pub job: JobKey,
    /// Rows of one transaction at the most, at least 1.
    pub chunk: u64,
    /// Of the node that runs this; without the job nothing is done.
    pub claim: Claim,
    /// This node has told whom an earlier run named in [`Advanced::end`].
    pub told: bool,
    /// For what may have to be said.
    pub messages: [MessageId; 2],
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Advanced {
    pub progress: Progress,
    /// Messages that were stored, to be pushed.
    pub posted: Vec<Posted>,
    /// A group's end that its former members are to be told of before the job goes on. Until it does, whoever takes the
    /// job over tells them again.
    pub end: Option<GroupEnd>,
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

impl Advance {
    /// Rows of one transaction.
    pub const CHUNK: u64 = 500;
}

impl Write for Advance {
    type Out = Advanced;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Advanced, Error> {
        let Some(job) = tx.job(self.job).await? else { return Ok(Progress::Finished.into()) };
        let Claim { node, now, lease_ms } = &self.claim;
        if !tx.renew_job(job.key, node, *now, *lease_ms).await? {
            return Ok(Progress::Lost.into());
        }
        let advanced = match job.work {
            Work::ClearInbox(agent) => self.clear(tx, agent, &job).await?,
            Work::EndGroup(group) => self.end_group(tx, group).await?,
            Work::DropWebhook(webhook) => {
                let done = tx.drop_webhook(webhook, self.rows()).await?;
                if done { Progress::Finished } else { Progress::More }.into()
            }
        };
        if advanced.progress == Progress::Finished {
            tx.delete_job(job.key).await?;
        }
        Ok(advanced)
    }
}

impl Advance {
    async fn clear(&self, tx: &mut Tx<'_>, agent: AgentKey, job: &JobRow) -> Result<Advanced, Error> {
        let cleared = clear_some(tx, agent, job.created_at, self.rows(), self.messages, self.claim.now).await?;
        Ok(match cleared {
            Some(posted) => Advanced { posted, ..Progress::More.into() },
            None => Progress::Finished.into(),
        })
    }

    async fn end_group(&self, tx: &mut Tx<'_>, group: ConversationKey) -> Result<Advanced, Error> {
        if !self.told {
            return Ok(Advanced { end: group_end(tx, group).await?, ..Progress::More.into() });
        }
        let done = close_some(tx, group, self.rows()).await?;
        Ok(if done { Progress::Finished } else { Progress::More }.into())
    }

    fn rows(&self) -> i64 {
        i64::try_from(self.chunk).unwrap_or(i64::MAX).max(1)
    }
}

impl From<Progress> for Advanced {
    fn from(progress: Progress) -> Self {
        Self { progress, posted: Vec::new(), end: None }
    }
}
