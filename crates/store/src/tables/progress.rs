//! How far a group's message got with all its recipients: what its sender sees.

use std::collections::HashMap;

use super::{EnvelopeState, MessageRow};
use crate::key::{AgentKey, MessageKey};
use crate::row::{Row, Value};
use crate::{Engine, Result, Tx};

macro_rules! progress {
    ($messages:literal) => {
        // An envelope is read when the cursor of its recipient has passed it; a deleted account took what it had.
        concat!(
            "SELECT e.message, COUNT(*), \
             CAST(SUM(CASE WHEN e.status = 1 OR a.deleted_at IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT), \
             MAX(COALESCE(e.delivered_at, a.deleted_at)), \
             CAST(SUM(CASE WHEN b.read_seq >= m.seq THEN 1 ELSE 0 END) AS BIGINT) \
             FROM envelope e JOIN message m ON m.pk = e.message JOIN agent a ON a.pk = e.recipient \
             JOIN member b ON b.agent = e.recipient AND b.conversation = m.conversation \
             WHERE e.status <> 2 AND (e.status = 1 OR e.expires_at IS NULL \
             OR e.expires_at > COALESCE(a.deleted_at, $1)) AND e.message ",
            $messages,
            " GROUP BY e.message"
        )
    };
}

#[derive(Debug, Clone, Copy)]
struct Progress {
    recipients: i64,
    delivered: i64,
    delivered_at: Option<i64>,
    read: i64,
}

fn progress(row: &Row<'_>) -> Result<(MessageKey, Progress)> {
    let progress =
        Progress { recipients: row.int(1)?, delivered: row.int(2)?, delivered_at: row.opt_int(3)?, read: row.int(4)? };
    Ok((MessageKey(row.int(0)?), progress))
}

impl Tx<'_> {
    /// Adds to a group's messages that `viewer` sent itself how far they got with everybody.
    pub(super) async fn with_progress<R>(&mut self, viewer: AgentKey, mut rows: R, now: i64) -> Result<R>
    where
        for<'a> &'a mut R: IntoIterator<Item = &'a mut MessageRow>,
    {
        let is_asked = |row: &MessageRow| row.group.is_some() && row.sender == viewer;
        let asked: Vec<i64> = (&mut rows).into_iter().filter(|row| is_asked(row)).map(|row| row.key.0).collect();
        if asked.is_empty() {
            return Ok(rows);
        }
        let found: HashMap<_, _> = self.group_progress(&asked, now).await?.into_iter().collect();
        for row in (&mut rows).into_iter().filter(|row| is_asked(row)) {
            let Some(progress) = found.get(&row.key) else { continue };
            let read_at = match progress.read == progress.recipients {
                true => self.read_by_all_at(row.key, now).await?,
                false => None,
            };
            let delivered = progress.delivered == progress.recipients;
            row.envelope = Some(EnvelopeState {
                recipient: None,
                position: 0,
                delivered,
                delivered_at: progress.delivered_at.filter(|_| delivered),
                read_at,
                quiet: false,
                expired: false,
            });
        }
        Ok(rows)
    }

    async fn group_progress(&mut self, messages: &[i64], now: i64) -> Result<Vec<(MessageKey, Progress)>> {
        match self.engine() {
            Engine::Sqlite => {
                let list = format!("{messages:?}");
                let sql = progress!("IN (SELECT value FROM json_each($2))");
                self.query_all(sql, &[now.into(), (&list).into()], progress).await
            }
            Engine::Postgres => {
                self.query_all(progress!("= ANY($2)"), &[now.into(), Value::Ints(messages)], progress).await
            }
        }
    }

    /// When the last recipient's cursor passed a message; those for whom it expired are none.
    async fn read_by_all_at(&mut self, message: MessageKey, now: i64) -> Result<Option<i64>> {
        self.query_int(
            "SELECT MAX((SELECT MIN(r.at) FROM read_mark r WHERE r.agent = e.recipient \
             AND r.conversation = m.conversation AND r.through_seq >= m.seq)) \
             FROM envelope e JOIN message m ON m.pk = e.message JOIN agent a ON a.pk = e.recipient \
             WHERE e.message = $1 AND e.status <> 2 \
             AND (e.status = 1 OR e.expires_at IS NULL OR e.expires_at > COALESCE(a.deleted_at, $2))",
            &[message.into(), now.into()],
        )
        .await
    }
}
