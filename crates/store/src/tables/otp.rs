//! `otp` and `otp_sent`: pending one-time codes, and the gate that counts codes per e-mail.

use agentchat_protocol::email::Email;
use agentchat_protocol::id::PendingId;
use agentchat_protocol::timestamp::Timestamp;

use crate::key::AgentKey;
use crate::row::Row;
use crate::{Engine, Result, StoreError, Tx};

/// What a pending code will do. A pending of one flow is unknown to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    Register,
    Recover,
    Rotate,
}

impl Flow {
    fn number(self) -> i64 {
        match self {
            Self::Register => 0,
            Self::Recover => 1,
            Self::Rotate => 2,
        }
    }
}

/// A pending code, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRow {
    pub id: PendingId,
    pub flow: Flow,
    pub email: Email,
    /// Recover, rotate: whose key it is about, when that was known at the start.
    pub agent: Option<AgentKey>,
    /// Register: what to create, as JSON.
    pub payload: Option<String>,
    /// Keyed hash of the code; `None` for a decoy, which no code satisfies.
    pub code_hash: Option<[u8; 32]>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A counted try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedTry {
    /// Tries so far, this one included.
    pub tries: u64,
    /// Whose send gate the pending took.
    pub email: Email,
}

macro_rules! pending_query {
    ($lock:literal) => {
        concat!(
            "SELECT email, agent, payload, code_hash, created_at, expires_at FROM otp
             WHERE id = $1 AND flow = $2 AND expires_at > $3",
            $lock
        )
    };
}

/// Deletes up to `$2` rows of a table, the oldest first; rows that somebody works with are left to the next time.
macro_rules! purge {
    ($table:literal, $key:literal, $age:literal, $lock:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $age,
            " <= $1 ORDER BY ",
            $age,
            " LIMIT $2",
            $lock,
            ")"
        )
    };
}

impl Tx<'_> {
    /// Stores a pending code.
    pub async fn insert_pending(&mut self, pending: &PendingRow) -> Result<()> {
        self.execute(
            "INSERT INTO otp (id, flow, email, agent, payload, code_hash, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                (&pending.id.bytes()).into(),
                pending.flow.number().into(),
                pending.email.as_str().into(),
                pending.agent.into(),
                pending.payload.as_deref().into(),
                pending.code_hash.as_ref().into(),
                pending.created_at.as_millis().into(),
                pending.expires_at.as_millis().into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// The pending code of an id, of this flow, while it lives. Nobody else redeems it before this transaction ends.
    pub async fn pending(&mut self, id: PendingId, flow: Flow, now: Timestamp) -> Result<Option<PendingRow>> {
        let sql = match self.engine() {
            Engine::Sqlite => pending_query!(""),
            Engine::Postgres => pending_query!(" FOR UPDATE"),
        };
        self.query_opt(sql, &[(&id.bytes()).into(), flow.number().into(), now.as_millis().into()], |row| {
            pending_row(id, flow, row)
        })
        .await
    }

    /// Counts a try of a living pending, of this flow and (if given) of this agent; `None` when there is no such one.
    pub async fn count_try(
        &mut self,
        id: PendingId,
        flow: Flow,
        agent: Option<AgentKey>,
        now: Timestamp,
    ) -> Result<Option<CountedTry>> {
        self.query_opt(
            "UPDATE otp SET attempts = attempts + 1
             WHERE id = $1 AND flow = $2 AND expires_at > $3 AND (CAST($4 AS BIGINT) IS NULL OR agent = $4)
             RETURNING attempts, email",
            &[(&id.bytes()).into(), flow.number().into(), now.as_millis().into(), agent.into()],
            |row| Ok(CountedTry { tries: row.int(0)? as u64, email: email(row.str(1)?)? }),
        )
        .await
    }

    /// Removes a pending code: it was redeemed, or its mail was never handed over.
    pub async fn delete_pending(&mut self, id: PendingId) -> Result<()> {
        self.execute("DELETE FROM otp WHERE id = $1", &[(&id.bytes()).into()]).await?;
        Ok(())
    }

    /// When codes were sent to an e-mail after `since`, newest first.
    pub async fn codes_sent(&mut self, email: &Email, since: Timestamp) -> Result<Vec<Timestamp>> {
        self.query_all(
            "SELECT at FROM otp_sent WHERE email = $1 AND at > $2 ORDER BY at DESC",
            &[email.as_str().into(), since.as_millis().into()],
            |row| row.int(0).map(Timestamp::from_millis),
        )
        .await
    }

    /// Notes that the code of `pending` takes a slot of this e-mail.
    pub async fn insert_code_sent(&mut self, email: &Email, pending: PendingId, at: Timestamp) -> Result<()> {
        self.execute(
            "INSERT INTO otp_sent (email, at, id) VALUES ($1, $2, $3)",
            &[email.as_str().into(), at.as_millis().into(), (&pending.bytes()).into()],
        )
        .await?;
        Ok(())
    }

    /// Gives the slot of `pending` back.
    pub async fn delete_code_sent(&mut self, email: &Email, pending: PendingId) -> Result<()> {
        self.execute(
            "DELETE FROM otp_sent WHERE email = $1 AND id = $2",
            &[email.as_str().into(), (&pending.bytes()).into()],
        )
        .await?;
        Ok(())
    }

    /// Removes up to `limit` pendings that expired by `now`, and as many slots taken by `sent_before`.
    pub async fn purge_codes(&mut self, now: Timestamp, sent_before: Timestamp, limit: u64) -> Result<()> {
        let (codes, slots) = match self.engine() {
            Engine::Sqlite => (purge!("otp", "id", "expires_at", ""), purge!("otp_sent", "email, at, id", "at", "")),
            Engine::Postgres => (
                purge!("otp", "id", "expires_at", " FOR UPDATE SKIP LOCKED"),
                purge!("otp_sent", "email, at, id", "at", " FOR UPDATE SKIP LOCKED"),
            ),
        };
        self.execute_later(codes, &[now.as_millis().into(), (limit as i64).into()]).await?;
        self.execute_later(slots, &[sent_before.as_millis().into(), (limit as i64).into()]).await?;
        Ok(())
    }
}

fn pending_row(id: PendingId, flow: Flow, row: &Row<'_>) -> Result<PendingRow> {
    Ok(PendingRow {
        id,
        flow,
        email: email(row.str(0)?)?,
        agent: row.opt_int(1)?.map(AgentKey),
        payload: row.opt_text(2)?,
        code_hash: if row.is_null(3)? { None } else { Some(row.bytes(3)?) },
        created_at: Timestamp::from_millis(row.int(4)?),
        expires_at: Timestamp::from_millis(row.int(5)?),
    })
}

fn email(text: &str) -> Result<Email> {
    Email::parse(text).map_err(|_| StoreError::Internal("the e-mail of a pending code is not readable".into()))
}
