//! `job`: long work that is cut into chunks and resumed after a crash.

use agentchat_protocol::timestamp::Timestamp;

use crate::key::{AgentKey, ConversationKey, JobKey, WebhookKey};
use crate::row::Row;
use crate::{Engine, Result, StoreError, Tx};

/// What remains to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Clear what a deleted agent leaves: settle what waits for it, leave its groups, withdraw its invitations.
    ClearInbox(AgentKey),
    /// Tell the members of a deleted group of its end, settle what waits in it, close it.
    EndGroup(ConversationKey),
    /// Remove what a deleted webhook was owed, and itself.
    DropWebhook(WebhookKey),
}

/// A stored job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobRow {
    pub key: JobKey,
    pub work: Work,
    pub created_at: Timestamp,
}

macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE job SET claimed_by = $1, claimed_until = $2 \
             WHERE pk = (SELECT pk FROM job WHERE claimed_until <= $3 ORDER BY pk LIMIT 1",
            $lock,
            ") RETURNING pk, kind, subject, created_at"
        )
    };
}

fn job(row: &Row<'_>) -> Result<JobRow> {
    let key = JobKey(row.int(0)?);
    let work = match row.int(1)? {
        0 => Work::ClearInbox(AgentKey(row.int(2)?)),
        1 => Work::EndGroup(ConversationKey(row.int(2)?)),
        2 => Work::DropWebhook(WebhookKey(row.int(2)?)),
        kind => return Err(StoreError::Internal(format!("job {} is of the unknown kind {kind}", key.0))),
    };
    Ok(JobRow { key, work, created_at: Timestamp::from_millis(row.int(3)?) })
}

impl Tx<'_> {
    /// Stores a job in the transaction that makes it necessary.
    pub async fn insert_job(&mut self, work: Work, now: Timestamp) -> Result<JobKey> {
        let (kind, subject): (i64, i64) = match work {
            Work::ClearInbox(agent) => (0, agent.0),
            Work::EndGroup(group) => (1, group.0),
            Work::DropWebhook(webhook) => (2, webhook.0),
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
        self.query_opt("SELECT pk, kind, subject, created_at FROM job WHERE pk = $1", &[key.into()], job).await
    }

    /// Takes the oldest job that nobody holds, for `lease_ms`; `node` is 16 bytes that no other node has.
    pub async fn claim_job(&mut self, node: &[u8; 16], now: Timestamp, lease_ms: i64) -> Result<Option<JobRow>> {
        let sql = match self.engine() {
            Engine::Sqlite => claim!(""),
            Engine::Postgres => claim!(" FOR UPDATE SKIP LOCKED"),
        };
        self.query_opt(sql, &[node.into(), now.plus_millis(lease_ms).as_millis().into(), now.as_millis().into()], job)
            .await
    }

    /// Holds a claimed job for another `lease_ms`; false when it is finished or another node's by now. No other node
    /// gets it before this transaction ends.
    pub async fn renew_job(&mut self, key: JobKey, node: &[u8; 16], now: Timestamp, lease_ms: i64) -> Result<bool> {
        let renewed = self
            .execute(
                "UPDATE job SET claimed_until = $1 WHERE pk = $2 AND claimed_by = $3",
                &[now.plus_millis(lease_ms).as_millis().into(), key.into(), node.into()],
            )
            .await?;
        Ok(renewed > 0)
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
