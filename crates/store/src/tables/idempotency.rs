//! `idempotency`: what requests under an `Idempotency-Key` were answered, and, with several nodes, which are running.

use crate::row::Row;
use crate::{Engine, Result, Tx};

/// Whose keys are meant; the same key of somebody else is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdempotencyScope {
    pub kind: CallerKind,
    /// The caller's row.
    pub caller: i64,
}

/// What a caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerKind {
    Agent,
    Owner,
}

impl CallerKind {
    fn number(self) -> i64 {
        match self {
            Self::Agent => 0,
            Self::Owner => 1,
        }
    }
}

/// A request that is to be answered once.
#[derive(Debug, Clone, Copy)]
pub struct IdempotencyRun<'a> {
    pub scope: IdempotencyScope,
    pub key: &'a str,
    /// SHA-256 of the request.
    pub fingerprint: &'a [u8; 32],
    /// 16 bytes that no other run has.
    pub run: &'a [u8; 16],
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRow {
    pub fingerprint: [u8; 32],
    /// None: it is still running.
    pub answer: Option<IdempotencyAnswer>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyAnswer {
    pub status: i64,
    pub content_type: String,
    pub body: String,
}

macro_rules! purge {
    ($lock:literal) => {
        concat!(
            "DELETE FROM idempotency WHERE (kind, caller, key) IN \
             (SELECT kind, caller, key FROM idempotency WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
            $lock,
            ")"
        )
    };
}

fn row(row: &Row<'_>) -> Result<IdempotencyRow> {
    let answer = match row.opt_int(1)? {
        None => None,
        Some(status) => Some(IdempotencyAnswer { status, content_type: row.text(2)?, body: row.text(3)? }),
    };
    Ok(IdempotencyRow { fingerprint: row.bytes(0)?, answer })
}

impl Tx<'_> {
    /// Marks a request as running until `until`; false when its key stands for something already.
    pub async fn begin_idempotent(&mut self, run: IdempotencyRun<'_>, now: i64, until: i64) -> Result<bool> {
        let begun = self
            .execute(
                "INSERT INTO idempotency (kind, caller, key, fingerprint, run, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (kind, caller, key) DO UPDATE \
                 SET fingerprint = excluded.fingerprint, run = excluded.run, status = NULL, content_type = NULL, \
                     body = NULL, expires_at = excluded.expires_at \
                 WHERE idempotency.expires_at <= $7",
                &[
                    run.scope.kind.number().into(),
                    run.scope.caller.into(),
                    run.key.into(),
                    run.fingerprint.into(),
                    run.run.into(),
                    until.into(),
                    now.into(),
                ],
            )
            .await?;
        Ok(begun > 0)
    }

    /// What a key stands for now.
    pub async fn idempotency(
        &mut self,
        scope: IdempotencyScope,
        key: &str,
        now: i64,
    ) -> Result<Option<IdempotencyRow>> {
        self.query_opt(
            "SELECT fingerprint, status, content_type, body FROM idempotency \
             WHERE kind = $1 AND caller = $2 AND key = $3 AND expires_at > $4",
            &[scope.kind.number().into(), scope.caller.into(), key.into(), now.into()],
            row,
        )
        .await
    }

    /// Keeps the answer of a run until `until`; false when its key belongs to another run by now.
    pub async fn keep_answer(
        &mut self,
        run: IdempotencyRun<'_>,
        answer: &IdempotencyAnswer,
        now: i64,
        until: i64,
    ) -> Result<bool> {
        let kept = self
            .execute(
                "INSERT INTO idempotency (kind, caller, key, fingerprint, run, status, content_type, body, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                 ON CONFLICT (kind, caller, key) DO UPDATE \
                 SET fingerprint = excluded.fingerprint, run = excluded.run, status = excluded.status, \
                     content_type = excluded.content_type, body = excluded.body, expires_at = excluded.expires_at \
                 WHERE idempotency.run = excluded.run OR idempotency.expires_at <= $10",
                &[
                    run.scope.kind.number().into(),
                    run.scope.caller.into(),
                    run.key.into(),
                    run.fingerprint.into(),
                    run.run.into(),
                    answer.status.into(),
                    (&answer.content_type).into(),
                    (&answer.body).into(),
                    until.into(),
                    now.into(),
                ],
            )
            .await?;
        Ok(kept > 0)
    }

    /// Ends a run that leaves no answer: its key stands for nothing again.
    pub async fn forget_run(&mut self, scope: IdempotencyScope, key: &str, run: &[u8; 16]) -> Result<()> {
        self.execute(
            "DELETE FROM idempotency WHERE kind = $1 AND caller = $2 AND key = $3 AND run = $4 AND status IS NULL",
            &[scope.kind.number().into(), scope.caller.into(), key.into(), run.into()],
        )
        .await?;
        Ok(())
    }

    /// Removes up to `most` rows whose time is over; answers how many.
    pub async fn purge_idempotency(&mut self, now: i64, most: i64) -> Result<u64> {
        let sql = match self.engine() {
            Engine::Sqlite => purge!(""),
            Engine::Postgres => purge!(" FOR UPDATE SKIP LOCKED"),
        };
        self.execute(sql, &[now.into(), most.into()]).await
    }
}
