//! `reply_lease`, `reply_claim`, `pending_review`, `wake_webhook`: who replies for an agent, and what waits for its
//! owner.

use crate::key::AgentKey;
use crate::{Engine, Result, Tx};

/// Where an agent is woken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WakeWebhook {
    pub url: String,
    pub secret: String,
    /// The last call, in milliseconds; none yet: null.
    pub woke_at: Option<i64>,
}

/// Where an agent is to be woken now.
#[derive(Clone, PartialEq, Eq)]
pub struct WakeCall {
    pub handle: String,
    pub url: String,
    pub secret: String,
    /// Messages that wait for it.
    pub unread: i64,
}

/// The session that stands for an agent as a whole.
const UNNAMED: &str = "";

/// A list of texts travels as one JSON array.
macro_rules! first_foreign {
    ($list:literal) => {
        concat!(
            "SELECT MIN(l.place) FROM (",
            $list,
            ") l JOIN reply_claim c ON c.agent = $2 AND c.message = l.message WHERE c.holder <> $3 AND c.expires_at > $4"
        )
    };
}

macro_rules! claim {
    ($list:literal) => {
        concat!(
            "INSERT INTO reply_claim (agent, message, holder, expires_at) ",
            $list,
            " ON CONFLICT (agent, message) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at"
        )
    };
}

macro_rules! purge {
    ($table:literal, $key:literal, $lock:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE (agent, ",
            $key,
            ") IN (SELECT agent, ",
            $key,
            " FROM ",
            $table,
            " WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
            $lock,
            ")"
        )
    };
}

macro_rules! purge_on {
    ($tx:expr, $table:literal, $key:literal) => {
        match $tx.engine() {
            Engine::Sqlite => purge!($table, $key, ""),
            Engine::Postgres => purge!($table, $key, " FOR UPDATE SKIP LOCKED"),
        }
    };
}

impl Tx<'_> {
    /// Who replies for an agent is decided one after the other. Nothing else is locked behind it.
    pub fn lock_replies(&mut self, agent: AgentKey) {
        self.lock("SELECT pk FROM agent WHERE pk = $1 FOR NO KEY UPDATE", &[agent.into()]);
    }

    /// Lets a session (none: the unnamed marker) reply for the agent until `until`.
    pub async fn put_reply_lease(&mut self, agent: AgentKey, session: Option<&str>, until: i64) -> Result<()> {
        self.execute_later(
            "INSERT INTO reply_lease (agent, session, expires_at) VALUES ($1, $2, $3) \
             ON CONFLICT (agent, session) DO UPDATE SET expires_at = excluded.expires_at",
            &[agent.into(), session.unwrap_or(UNNAMED).into(), until.into()],
        )
        .await
    }

    /// Ends the lease of a session, or the unnamed marker.
    pub async fn drop_reply_lease(&mut self, agent: AgentKey, session: Option<&str>) -> Result<()> {
        self.execute_later(
            "DELETE FROM reply_lease WHERE agent = $1 AND session = $2",
            &[agent.into(), session.unwrap_or(UNNAMED).into()],
        )
        .await
    }

    /// Whether any session, or the unnamed marker, replies for the agent.
    pub async fn has_reply_lease(&mut self, agent: AgentKey, now: i64) -> Result<bool> {
        let sql = "SELECT 1 FROM reply_lease WHERE agent = $1 AND expires_at > $2 LIMIT 1";
        Ok(self.query_int(sql, &[agent.into(), now.into()]).await?.is_some())
    }

    /// The place, from 0, of the first of these messages (a JSON array of texts) that somebody else claimed.
    pub async fn first_foreign_claim(
        &mut self,
        agent: AgentKey,
        messages: &str,
        holder: &str,
        now: i64,
    ) -> Result<Option<i64>> {
        let sql = match self.engine() {
            Engine::Sqlite => first_foreign!("SELECT key AS place, value AS message FROM json_each($1)"),
            Engine::Postgres => first_foreign!(
                "SELECT place - 1 AS place, message \
                 FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON)) WITH ORDINALITY AS e (message, place)"
            ),
        };
        self.query_int(sql, &[messages.into(), agent.into(), holder.into(), now.into()]).await
    }

    /// Claims these messages (a JSON array of texts), whoever held them.
    pub async fn claim_replies(&mut self, agent: AgentKey, messages: &str, holder: &str, until: i64) -> Result<()> {
        let sql = match self.engine() {
            Engine::Sqlite => claim!("SELECT DISTINCT $1, value, $2, $3 FROM json_each($4) WHERE 1 = 1"),
            Engine::Postgres => claim!(
                "SELECT DISTINCT CAST($1 AS BIGINT), message, CAST($2 AS TEXT), CAST($3 AS BIGINT) \
                 FROM json_array_elements_text(CAST(CAST($4 AS TEXT) AS JSON)) AS e (message)"
            ),
        };
        self.execute_later(sql, &[agent.into(), holder.into(), until.into(), messages.into()]).await
    }

    /// Replaces what an installation (16 bytes) waits to have reviewed by a JSON array.
    pub async fn put_pending_reviews(
        &mut self,
        agent: AgentKey,
        installation: &[u8; 16],
        reviews: &str,
        until: i64,
    ) -> Result<()> {
        self.execute_later(
            "INSERT INTO pending_review (agent, installation, reviews, expires_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (agent, installation) DO UPDATE \
             SET reviews = excluded.reviews, expires_at = excluded.expires_at",
            &[agent.into(), installation.into(), reviews.into(), until.into()],
        )
        .await
    }

    /// The lists of all installations of an agent, each a JSON array.
    pub async fn pending_reviews(&mut self, agent: AgentKey, now: i64) -> Result<Vec<String>> {
        let sql = "SELECT reviews FROM pending_review WHERE agent = $1 AND expires_at > $2 ORDER BY installation";
        self.query_all(sql, &[agent.into(), now.into()], |row| row.text(0)).await
    }

    /// Sets where an agent is woken.
    pub async fn put_wake_webhook(&mut self, agent: AgentKey, url: &str, secret: &str, now: i64) -> Result<()> {
        self.execute_later(
            "INSERT INTO wake_webhook (agent, url, secret, set_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (agent) DO UPDATE SET url = excluded.url, secret = excluded.secret, set_at = excluded.set_at",
            &[agent.into(), url.into(), secret.into(), now.into()],
        )
        .await
    }

    /// Nobody wakes the agent any more.
    pub async fn delete_wake_webhook(&mut self, agent: AgentKey) -> Result<()> {
        self.execute_later("DELETE FROM wake_webhook WHERE agent = $1", &[agent.into()]).await
    }

    /// Where the agent is woken, if anywhere.
    pub async fn wake_webhook(&mut self, agent: AgentKey) -> Result<Option<WakeWebhook>> {
        self.query_opt("SELECT url, secret, woke_at FROM wake_webhook WHERE agent = $1", &[agent.into()], |row| {
            Ok(WakeWebhook { url: row.text(0)?, secret: row.text(1)?, woke_at: row.opt_int(2)? })
        })
        .await
    }

    /// Where an agent is to be woken, if anywhere: nobody is there for it (no connection on any node, no session that
    /// replies), and it was not woken at or after `since`. Whoever asks next is told that it was woken at `now`.
    pub async fn take_wake(&mut self, agent: AgentKey, since: i64, now: i64) -> Result<Option<WakeCall>> {
        self.query_opt(
            "UPDATE wake_webhook SET woke_at = $1 WHERE agent = $2 AND (woke_at IS NULL OR woke_at < $3) \
             AND NOT EXISTS (SELECT 1 FROM connection c WHERE c.agent = $2) \
             AND NOT EXISTS (SELECT 1 FROM reply_lease l WHERE l.agent = $2 AND l.expires_at > $1) \
             RETURNING url, secret, (SELECT i.undelivered FROM inbox i WHERE i.agent = $2), \
             (SELECT a.handle FROM agent a WHERE a.pk = $2)",
            &[now.into(), agent.into(), since.into()],
            |row| {
                Ok(WakeCall {
                    url: row.text(0)?,
                    secret: row.text(1)?,
                    unread: row.opt_int(2)?.unwrap_or(0),
                    handle: row.text(3)?,
                })
            },
        )
        .await
    }

    /// Removes up to `most` leases whose time is over; answers how many.
    pub async fn purge_reply_leases(&mut self, now: i64, most: i64) -> Result<u64> {
        let sql = purge_on!(self, "reply_lease", "session");
        self.execute(sql, &[now.into(), most.into()]).await
    }

    /// The same of claims.
    pub async fn purge_reply_claims(&mut self, now: i64, most: i64) -> Result<u64> {
        let sql = purge_on!(self, "reply_claim", "message");
        self.execute(sql, &[now.into(), most.into()]).await
    }

    /// The same of lists of pending reviews.
    pub async fn purge_pending_reviews(&mut self, now: i64, most: i64) -> Result<u64> {
        let sql = purge_on!(self, "pending_review", "installation");
        self.execute(sql, &[now.into(), most.into()]).await
    }
}
