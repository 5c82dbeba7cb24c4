//! `presence`: who is there; `node`, `connection`: which server has somebody's sockets and streams.
//!
//! A server's connections count as long as it renews its one row, so that nothing is written for each of them. Who
//! writes a row of `connection` holds the agent's row in `presence`; several of these are locked in ascending order, and
//! after the server's own row.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::presence::PresenceStatus;

use super::agents;
use crate::key::{AgentKey, ConversationKey};
use crate::row::{Row, Value};
use crate::{Engine, Result, StoreError, Tx};

/// One run of one server.
pub type Life = [u8; 16];

/// A status and the text beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownPresence {
    pub status: PresenceStatus,
    pub message: Option<String>,
}

impl ShownPresence {
    /// Not there, and nothing to say about it.
    pub const OFFLINE: Self = Self { status: PresenceStatus::Offline, message: None };
}

/// What an agent said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidPresence {
    pub what: ShownPresence,
    /// It counts until then; while the agent is connected, for longer.
    pub until: i64,
    /// The agent's last connection was closed since.
    pub hidden: bool,
}

/// An agent's presence as stored, and where it is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceRow {
    pub agent: AgentKey,
    pub handle: Handle,
    pub status: AgentStatus,
    pub said: Option<SaidPresence>,
    pub last_seen: Option<i64>,
    /// What others were told last, and when.
    pub shown: ShownPresence,
    pub shown_at: i64,
    /// When the asking server was last renewed, if it has the agent.
    pub here: Option<i64>,
    /// When another living server that has the agent was last renewed.
    pub elsewhere: Option<i64>,
}

/// `$1` is the asking life, which lives; so do other servers that were renewed after `$2`.
macro_rules! presences {
    ($rest:literal) => {
        concat!(
            "SELECT a.pk, a.handle, a.status, p.said, p.said_message, p.said_until, p.hidden, p.last_seen, p.shown, \
             p.shown_message, p.shown_at, \
             (SELECT MAX(n.renewed_at) FROM connection c JOIN node n ON n.life = c.life \
              WHERE c.agent = a.pk AND c.life = $1), \
             (SELECT MAX(n.renewed_at) FROM connection c JOIN node n ON n.life = c.life \
              WHERE c.agent = a.pk AND c.life <> $1 AND n.renewed_at > $2) \
             FROM agent a LEFT JOIN presence p ON p.agent = a.pk ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Makes a server's row. A life begins once.
    pub async fn begin_life(&mut self, life: &Life, now: i64) -> Result<()> {
        self.execute_later(
            "INSERT INTO node (life, renewed_at) VALUES ($1, $2) ON CONFLICT (life) DO NOTHING",
            &[life.into(), now.into()],
        )
        .await
    }

    /// Renews a server's row; false when the server was taken for dead meanwhile.
    pub async fn renew_life(&mut self, life: &Life, now: i64) -> Result<bool> {
        let renewed = self
            .execute("UPDATE node SET renewed_at = $1 WHERE life = $2 AND dead = 0", &[now.into(), life.into()])
            .await?;
        Ok(renewed > 0)
    }

    /// A server other than that of `life` that was not renewed after `since`. It cannot renew itself any more.
    pub async fn declare_dead(&mut self, life: &Life, since: i64) -> Result<Option<(Life, i64)>> {
        self.query_opt(
            "UPDATE node SET dead = 1 WHERE life = (SELECT life FROM node WHERE life <> $1 AND renewed_at <= $2 \
             ORDER BY life LIMIT 1) AND renewed_at <= $2 RETURNING life, renewed_at",
            &[life.into(), since.into()],
            |row| Ok((row.bytes(0)?, row.int(1)?)),
        )
        .await
    }

    /// Up to `limit` agents that a server has, ascending.
    pub async fn connected_agents(&mut self, life: &Life, limit: i64) -> Result<Vec<AgentKey>> {
        self.query_all(
            "SELECT agent FROM connection WHERE life = $1 ORDER BY agent LIMIT $2",
            &[life.into(), limit.into()],
            |row| row.int(0).map(AgentKey),
        )
        .await
    }

    /// The servers that were renewed after `since`, the last one first: when, and how many agents are connected there.
    pub async fn lives(&mut self, since: i64) -> Result<Vec<(Life, i64, i64)>> {
        self.query_all(
            "SELECT n.life, n.renewed_at, (SELECT COUNT(*) FROM connection c WHERE c.life = n.life) FROM node n \
             WHERE n.dead = 0 AND n.renewed_at > $1 ORDER BY n.renewed_at DESC, n.life",
            &[since.into()],
            |row| Ok((row.bytes(0)?, row.int(1)?, row.int(2)?)),
        )
        .await
    }

    /// Forgets a server.
    pub async fn forget_life(&mut self, life: &Life) -> Result<()> {
        self.execute_later("DELETE FROM node WHERE life = $1", &[life.into()]).await
    }

    /// Whether a presence is due, or a server other than that of `life` was not renewed after `since`.
    pub async fn is_presence_due(&mut self, life: &Life, now: i64, since: i64) -> Result<bool> {
        let found = self
            .query_int(
                "SELECT CASE WHEN EXISTS (SELECT 1 FROM presence WHERE due <= $1) \
                 OR EXISTS (SELECT 1 FROM node WHERE life <> $2 AND renewed_at <= $3) THEN 1 ELSE 0 END",
                &[now.into(), life.into(), since.into()],
            )
            .await?;
        Ok(found == Some(1))
    }

    /// Up to `limit` agents whose presence is due, the longest overdue first.
    pub async fn due_presences(&mut self, now: i64, limit: i64) -> Result<Vec<AgentKey>> {
        self.query_all(
            "SELECT agent FROM presence WHERE due <= $1 ORDER BY due LIMIT $2",
            &[now.into(), limit.into()],
            |row| row.int(0).map(AgentKey),
        )
        .await
    }

    /// Takes the rows of these agents, made where there are none, one after the other.
    pub async fn take_presences(&mut self, agents: &[AgentKey], now: i64) -> Result<()> {
        let keys = keys(agents);
        match self.engine() {
            Engine::Sqlite => {
                let sql = "INSERT INTO presence (agent, last_seen) SELECT value, $1 FROM json_each($2) WHERE true \
                           ON CONFLICT (agent) DO NOTHING";
                self.execute(sql, &[now.into(), (&format!("{keys:?}")).into()]).await?;
            }
            Engine::Postgres => {
                let sql = "INSERT INTO presence (agent, last_seen) \
                           SELECT agent, $1::bigint FROM unnest($2::bigint[]) AS agent ORDER BY agent \
                           ON CONFLICT (agent) DO NOTHING";
                self.execute_later(sql, &[now.into(), Value::Ints(&keys)]).await?;
                let sql = "SELECT agent FROM presence WHERE agent = ANY($1) ORDER BY agent FOR NO KEY UPDATE";
                self.lock(sql, &[Value::Ints(&keys)]);
            }
        }
        Ok(())
    }

    /// These agents' presence as the server of `life` sees it; servers renewed after `since` live.
    pub async fn presences(&mut self, life: &Life, since: i64, agents: &[AgentKey]) -> Result<Vec<PresenceRow>> {
        let keys = keys(agents);
        match self.engine() {
            Engine::Sqlite => {
                let sql = presences!("WHERE a.pk IN (SELECT value FROM json_each($3)) ORDER BY a.pk");
                self.query_all(sql, &[life.into(), since.into(), (&format!("{keys:?}")).into()], presence).await
            }
            Engine::Postgres => {
                let sql = presences!("WHERE a.pk = ANY($3) ORDER BY a.pk");
                self.query_all(sql, &[life.into(), since.into(), Value::Ints(&keys)], presence).await
            }
        }
    }

    /// The same for those of these handles that `viewer` may see: itself, and its contacts whose account is open.
    pub async fn visible_presences(
        &mut self,
        life: &Life,
        since: i64,
        handles: &[Handle],
        viewer: AgentKey,
    ) -> Result<Vec<PresenceRow>> {
        let sql = match self.engine() {
            Engine::Sqlite => presences!(
                "WHERE a.handle IN (SELECT value FROM json_each($3)) AND (a.pk = $4 OR (a.status < 2 \
                 AND EXISTS (SELECT 1 FROM contact k WHERE k.owner = $4 AND k.contact = a.pk)))"
            ),
            // No handle holds a comma.
            Engine::Postgres => presences!(
                "WHERE a.handle = ANY(string_to_array($3, ',')) AND (a.pk = $4 OR (a.status < 2 \
                 AND EXISTS (SELECT 1 FROM contact k WHERE k.owner = $4 AND k.contact = a.pk)))"
            ),
        };
        let names: Vec<&str> = handles.iter().map(Handle::as_str).collect();
        let list = match self.engine() {
            Engine::Sqlite => format!("{names:?}"),
            Engine::Postgres => names.join(","),
        };
        self.query_all(sql, &[life.into(), since.into(), (&list).into(), viewer.into()], presence).await
    }

    /// What an agent says of itself from now on, not yet told to anybody; answers what others were told last, and when.
    pub async fn say_presence(
        &mut self,
        agent: AgentKey,
        what: &ShownPresence,
        until: i64,
        now: i64,
    ) -> Result<(ShownPresence, i64)> {
        let before = self
            .query_opt(
                "INSERT INTO presence (agent, said, said_message, said_until, last_seen) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (agent) DO UPDATE SET said = excluded.said, said_message = excluded.said_message, \
                 said_until = excluded.said_until, hidden = 0, last_seen = excluded.last_seen \
                 RETURNING shown, shown_message, shown_at",
                &[agent.into(), number(&what.status).into(), what.message.as_deref().into(), until.into(), now.into()],
                |row| Ok((shown(row, 0)?, row.int(2)?)),
            )
            .await?;
        before.ok_or_else(|| StoreError::Internal("a presence was not written".into()))
    }

    /// Writes what others are told, since when, and when to look again.
    pub async fn show_presence(
        &mut self,
        agent: AgentKey,
        shown: &ShownPresence,
        at: i64,
        due: Option<i64>,
    ) -> Result<()> {
        self.execute_later(
            "UPDATE presence SET shown = $1, shown_message = $2, shown_at = $3, due = $4 WHERE agent = $5",
            &[number(&shown.status).into(), shown.message.as_deref().into(), at.into(), due.into(), agent.into()],
        )
        .await
    }

    /// Writes a row that was taken and read in this transaction; `due` is when to look at it again.
    pub async fn write_presence(&mut self, row: &PresenceRow, due: Option<i64>) -> Result<()> {
        let said = row.said.as_ref();
        self.execute_later(
            "UPDATE presence SET said = $1, said_message = $2, said_until = $3, hidden = $4, last_seen = $5, \
             shown = $6, shown_message = $7, shown_at = $8, due = $9 WHERE agent = $10",
            &[
                said.map(|said| number(&said.what.status)).into(),
                said.and_then(|said| said.what.message.as_deref()).into(),
                said.map_or(0, |said| said.until).into(),
                said.is_some_and(|said| said.hidden).into(),
                row.last_seen.unwrap_or(0).into(),
                number(&row.shown.status).into(),
                row.shown.message.as_deref().into(),
                row.shown_at.into(),
                due.into(),
                row.agent.into(),
            ],
        )
        .await
    }

    /// A server has a connection of an agent.
    pub async fn add_connection(&mut self, agent: AgentKey, life: &Life) -> Result<()> {
        self.execute_later(
            "INSERT INTO connection (agent, life) VALUES ($1, $2) ON CONFLICT (agent, life) DO NOTHING",
            &[agent.into(), life.into()],
        )
        .await
    }

    /// A server has none any more.
    pub async fn remove_connection(&mut self, agent: AgentKey, life: &Life) -> Result<()> {
        self.execute_later("DELETE FROM connection WHERE agent = $1 AND life = $2", &[agent.into(), life.into()]).await
    }

    /// No server has one.
    pub async fn remove_connections(&mut self, agent: AgentKey) -> Result<()> {
        self.execute_later("DELETE FROM connection WHERE agent = $1", &[agent.into()]).await
    }

    /// Who is told of these agents' presence, as `(subject, owner)` behind `after`, ascending: whoever has them in its
    /// contacts, has an open account and is not fully paused.
    pub async fn presence_audience(
        &mut self,
        subjects: &[AgentKey],
        after: (AgentKey, AgentKey),
        limit: i64,
    ) -> Result<Vec<(AgentKey, AgentKey)>> {
        macro_rules! audience {
            ($subjects:literal) => {
                concat!(
                    "SELECT c.contact, c.owner FROM contact c JOIN agent a ON a.pk = c.owner \
                     WHERE c.contact ",
                    $subjects,
                    " AND (c.contact, c.owner) > ($2, $3) AND c.owner <> c.contact AND a.status < 2 AND a.paused <> 2 \
                     ORDER BY c.contact, c.owner LIMIT $4"
                )
            };
        }
        let keys = keys(subjects);
        let pair = |row: &Row<'_>| Ok((AgentKey(row.int(0)?), AgentKey(row.int(1)?)));
        let (subject, owner) = after;
        match self.engine() {
            Engine::Sqlite => {
                let (sql, list) = (audience!("IN (SELECT value FROM json_each($1))"), format!("{keys:?}"));
                self.query_all(sql, &[(&list).into(), subject.into(), owner.into(), limit.into()], pair).await
            }
            Engine::Postgres => {
                let sql = audience!("= ANY($1)");
                self.query_all(sql, &[Value::Ints(&keys), subject.into(), owner.into(), limit.into()], pair).await
            }
        }
    }

    /// Who hears `typist` compose in a conversation: its other active members with an open account that are not fully
    /// paused and muted neither.
    pub async fn typing_audience(
        &mut self,
        conversation: ConversationKey,
        typist: AgentKey,
        now: i64,
    ) -> Result<Vec<AgentKey>> {
        self.query_all(
            "SELECT m.agent FROM member m JOIN agent a ON a.pk = m.agent \
             WHERE m.conversation = $1 AND m.agent <> $2 AND m.left_at IS NULL AND a.status < 2 AND a.paused <> 2 \
             AND NOT EXISTS (SELECT 1 FROM mute t WHERE t.muter = m.agent \
                             AND ((t.kind = 0 AND t.target = $2) OR (t.kind = 1 AND t.target = $1)) \
                             AND (t.muted_until IS NULL OR t.muted_until > $3)) \
             ORDER BY m.agent",
            &[conversation.into(), typist.into(), now.into()],
            |row| row.int(0).map(AgentKey),
        )
        .await
    }
}

fn keys(agents: &[AgentKey]) -> Vec<i64> {
    agents.iter().map(|agent| agent.0).collect()
}

/// What a server writes it has read from a list of known words.
fn number(status: &PresenceStatus) -> i64 {
    match status {
        PresenceStatus::Online => 1,
        PresenceStatus::Busy => 2,
        PresenceStatus::Offline | PresenceStatus::Unknown(_) => 0,
    }
}

fn status(number: i64) -> Result<PresenceStatus> {
    match number {
        0 => Ok(PresenceStatus::Offline),
        1 => Ok(PresenceStatus::Online),
        2 => Ok(PresenceStatus::Busy),
        _ => Err(StoreError::Internal("a stored presence is not readable".into())),
    }
}

/// A status in `column` and its text in the next.
fn shown(row: &Row<'_>, column: usize) -> Result<ShownPresence> {
    Ok(ShownPresence { status: status(row.int(column)?)?, message: row.opt_text(column + 1)? })
}

fn presence(row: &Row<'_>) -> Result<PresenceRow> {
    let known = !row.is_null(7)?;
    let said = !row.is_null(3)?;
    Ok(PresenceRow {
        agent: AgentKey(row.int(0)?),
        handle: Handle::parse(row.str(1)?)
            .map_err(|_| StoreError::Internal("a stored agent's handle is not readable".into()))?,
        status: agents::status(row.int(2)?)?,
        said: if said {
            Some(SaidPresence { what: shown(row, 3)?, until: row.int(5)?, hidden: row.bool(6)? })
        } else {
            None
        },
        last_seen: row.opt_int(7)?,
        shown: if known { shown(row, 8)? } else { ShownPresence::OFFLINE },
        shown_at: row.opt_int(10)?.unwrap_or(0),
        here: row.opt_int(11)?,
        elsewhere: row.opt_int(12)?,
    })
}
