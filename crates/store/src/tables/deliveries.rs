//! `webhook_delivery` as a queue: what is due, who works on it, what came of it.

use crate::key::{AgentKey, MessageKey, WebhookDeliveryKey, WebhookKey};
use crate::row::{Row, Value};
use crate::{Engine, Result, Tx};

/// A call that is due, and how its webhook stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCall {
    pub key: WebhookDeliveryKey,
    pub id: [u8; 16],
    /// One of the bits of `webhook.events`.
    pub event: i64,
    /// `message.new`: which.
    pub message: Option<MessageKey>,
    /// Its public id.
    pub message_id: Option<[u8; 16]>,
    /// Earlier ones that failed.
    pub attempts: i64,
    pub created_at: i64,
    pub webhook: WebhookKey,
    /// None: the webhook is gone.
    pub hook: Option<HookState>,
}

/// A webhook that is owed a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookState {
    pub agent: AgentKey,
    pub active: bool,
    /// The circuit: None closed, else no attempt before.
    pub opened_until: Option<i64>,
    /// Its agent's owner paused everything.
    pub fully_paused: bool,
}

/// Who works on claimed calls, and until when they are taken for lost.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// 16 bytes that no other node has.
    pub node: &'a [u8; 16],
    pub until: i64,
}

macro_rules! due {
    ($others:literal, $lock:literal) => {
        concat!(
            "SELECT d.pk, d.id, d.event, d.message, d.attempts, d.created_at, d.webhook, \
             w.agent, w.active, w.opened_until, a.paused, m.id \
             FROM webhook_delivery d LEFT JOIN webhook w ON w.pk = d.webhook LEFT JOIN agent a ON a.pk = w.agent \
             LEFT JOIN message m ON m.pk = d.message WHERE d.status < 2 AND d.next_at <= $1 AND d.webhook ",
            $others,
            " ORDER BY d.next_at LIMIT $3",
            $lock
        )
    };
}

/// One statement for a set of deliveries, whose keys are its last parameter.
macro_rules! of_set {
    ($tx:expr, $before:literal, $place:literal, $keys:expr, $params:expr) => {{
        let keys: Vec<i64> = $keys.iter().map(|key: &WebhookDeliveryKey| key.0).collect();
        let list = format!("{keys:?}");
        let (sql, last) = match $tx.engine() {
            Engine::Sqlite => (
                concat!($before, " AND pk IN (SELECT value FROM json_each(", $place, ")) RETURNING pk"),
                Value::from(list.as_str()),
            ),
            Engine::Postgres => (concat!($before, " AND pk = ANY(", $place, ") RETURNING pk"), Value::Ints(&keys)),
        };
        let mut params: Vec<Value<'_>> = $params;
        params.push(last);
        $tx.query_all(sql, &params, |row| row.int(0).map(WebhookDeliveryKey)).await
    }};
}

fn due_call(row: &Row<'_>) -> Result<DueCall> {
    let hook = match row.opt_int(7)? {
        None => None,
        Some(agent) => Some(HookState {
            agent: AgentKey(agent),
            active: row.bool(8)?,
            opened_until: row.opt_int(9)?,
            fully_paused: row.opt_int(10)? == Some(2),
        }),
    };
    Ok(DueCall {
        key: WebhookDeliveryKey(row.int(0)?),
        id: row.bytes(1)?,
        event: row.int(2)?,
        message: row.opt_int(3)?.map(MessageKey),
        message_id: if row.is_null(11)? { None } else { Some(row.bytes(11)?) },
        attempts: row.int(4)?,
        created_at: row.int(5)?,
        webhook: WebhookKey(row.int(6)?),
        hook,
    })
}

impl Tx<'_> {
    /// Up to `limit` calls of other webhooks than `full` that are due, those that wait longest first; those whose worker
    /// was not heard of in time among them. Calls that another node looks at this moment are passed over.
    pub async fn due_calls(&mut self, full: &[WebhookKey], now: i64, limit: i64) -> Result<Vec<DueCall>> {
        let full: Vec<i64> = full.iter().map(|webhook| webhook.0).collect();
        match self.engine() {
            Engine::Sqlite => {
                let (sql, list) = (due!("NOT IN (SELECT value FROM json_each($2))", ""), format!("{full:?}"));
                self.query_all(sql, &[now.into(), (&list).into(), limit.into()], due_call).await
            }
            Engine::Postgres => {
                let sql = due!("<> ALL($2)", " FOR UPDATE OF d SKIP LOCKED");
                self.query_all(sql, &[now.into(), Value::Ints(&full), limit.into()], due_call).await
            }
        }
    }

    /// When the next call is due.
    pub async fn next_call_at(&mut self) -> Result<Option<i64>> {
        self.query_int("SELECT MIN(next_at) FROM webhook_delivery WHERE status < 2", &[]).await
    }

    /// Takes calls for a node.
    pub async fn claim_calls(&mut self, calls: &[WebhookDeliveryKey], claimant: Claimant<'_>) -> Result<()> {
        of_set!(
            self,
            "UPDATE webhook_delivery SET status = 1, claimed_by = $1, next_at = $2 WHERE status < 2",
            "$3",
            calls,
            vec![claimant.node.into(), claimant.until.into()]
        )?;
        Ok(())
    }

    /// Leaves calls alone until a time.
    pub async fn postpone_calls(&mut self, calls: &[WebhookDeliveryKey], until: i64) -> Result<()> {
        of_set!(
            self,
            "UPDATE webhook_delivery SET status = 0, claimed_by = NULL, next_at = $1 WHERE status < 2",
            "$2",
            calls,
            vec![until.into()]
        )?;
        Ok(())
    }

    /// Gives calls up without another attempt.
    pub async fn drop_calls(&mut self, calls: &[WebhookDeliveryKey], status: i64, error: &str) -> Result<()> {
        of_set!(
            self,
            "UPDATE webhook_delivery SET status = $1, claimed_by = NULL, next_at = NULL, last_error = $2 WHERE status < 2",
            "$3",
            calls,
            vec![status.into(), error.into()]
        )?;
        Ok(())
    }

    /// Calls of a node that got the same good answer; those that are still its own.
    pub async fn finish_calls(
        &mut self,
        calls: &[WebhookDeliveryKey],
        node: &[u8; 16],
        status_code: i64,
        now: i64,
    ) -> Result<Vec<WebhookDeliveryKey>> {
        of_set!(
            self,
            "UPDATE webhook_delivery SET status = 2, attempts = attempts + 1, next_at = NULL, claimed_by = NULL, \
             last_attempt_at = $1, last_status_code = $2, last_error = NULL, delivered_at = $1 \
             WHERE status = 1 AND claimed_by = $3",
            "$4",
            calls,
            vec![now.into(), status_code.into(), node.into()]
        )
    }

    /// A call of a node that failed: `status` 0 to be tried again at `next_at`, 3 failed, 4 dead. False when it is not
    /// its own any more.
    pub async fn fail_call(
        &mut self,
        call: WebhookDeliveryKey,
        node: &[u8; 16],
        (status, next_at): (i64, Option<i64>),
        (status_code, error): (Option<i64>, &str),
        now: i64,
    ) -> Result<bool> {
        let failed = self
            .execute(
                "UPDATE webhook_delivery SET status = $1, attempts = attempts + 1, next_at = $2, claimed_by = NULL, \
                 last_attempt_at = $3, last_status_code = $4, last_error = $5 \
                 WHERE pk = $6 AND status = 1 AND claimed_by = $7",
                &[
                    status.into(),
                    next_at.into(),
                    now.into(),
                    status_code.into(),
                    error.into(),
                    call.into(),
                    node.into(),
                ],
            )
            .await?;
        Ok(failed > 0)
    }

    /// Gives back what a node has claimed, and all of it when none is named.
    pub async fn release_calls(&mut self, node: Option<&[u8; 16]>, now: i64) -> Result<()> {
        match node {
            Some(node) => {
                self.execute_later(
                    "UPDATE webhook_delivery SET status = 0, claimed_by = NULL, next_at = $1 \
                     WHERE status = 1 AND claimed_by = $2",
                    &[now.into(), node.into()],
                )
                .await
            }
            None => {
                self.execute_later(
                    "UPDATE webhook_delivery SET status = 0, claimed_by = NULL, next_at = $1 WHERE status = 1",
                    &[now.into()],
                )
                .await
            }
        }
    }

    /// What a webhook is called with: its URL, and what its data say, if the call has any of its own.
    pub async fn call_address(&mut self, call: WebhookDeliveryKey) -> Result<Option<(String, Option<String>)>> {
        self.query_opt(
            "SELECT w.url, d.data FROM webhook_delivery d JOIN webhook w ON w.pk = d.webhook WHERE d.pk = $1",
            &[call.into()],
            |row| Ok((row.text(0)?, row.opt_text(1)?)),
        )
        .await
    }

    /// Removes up to `most` finished calls that were queued before a time; answers how many.
    pub async fn purge_calls(&mut self, before: i64, most: i64) -> Result<u64> {
        self.execute(
            "DELETE FROM webhook_delivery WHERE pk IN \
             (SELECT pk FROM webhook_delivery WHERE status >= 2 AND created_at < $1 ORDER BY created_at LIMIT $2)",
            &[before.into(), most.into()],
        )
        .await
    }
}
