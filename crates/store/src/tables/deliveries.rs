//! `webhook_delivery` as a queue: what is due, who works on it, what came of it; `webhook` as the circuit in front of it.
//! And the one call that wakes an agent.

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

/// How the last calls of a webhook went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Breaker {
    /// Failed attempts in a row.
    pub failures: i64,
    /// When the last ten attempts that failed did, ascending.
    pub failed_at: Vec<i64>,
    pub opened_until: Option<i64>,
    /// The one call that may try a half-open circuit.
    pub probe: Option<WebhookDeliveryKey>,
}

/// Who works on claimed calls, and until when they are taken for lost.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// 16 bytes that no other node has.
    pub node: &'a [u8; 16],
    pub until: i64,
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

    /// Gives up all that a webhook is owed.
    pub async fn bury_calls(&mut self, webhook: WebhookKey, error: &str) -> Result<()> {
        self.execute_later(
            "UPDATE webhook_delivery SET status = 4, claimed_by = NULL, next_at = NULL, last_error = $1 \
             WHERE webhook = $2 AND status < 2",
            &[error.into(), webhook.into()],
        )
        .await
    }

    /// Calls a webhook no more: its receiver is gone. What its agent's inbox says of webhooks is to be counted anew.
    pub async fn retire_webhook(&mut self, webhook: WebhookKey) -> Result<()> {
        self.execute_later("UPDATE webhook SET active = 0, disabled_reason = 0 WHERE pk = $1", &[webhook.into()]).await
    }

    /// Whose webhook it is.
    pub async fn webhook_agent(&mut self, webhook: WebhookKey) -> Result<Option<AgentKey>> {
        let agent = self.query_int("SELECT agent FROM webhook WHERE pk = $1", &[webhook.into()]).await?;
        Ok(agent.map(AgentKey))
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

    /// Lets one call try a half-open circuit; false when another one does.
    pub async fn take_probe(&mut self, webhook: WebhookKey, call: WebhookDeliveryKey, now: i64) -> Result<bool> {
        let taken = self
            .execute(
                "UPDATE webhook SET probe = $1 \
                 WHERE pk = $2 AND opened_until <= $3 AND (probe IS NULL OR probe = $1)",
                &[call.into(), webhook.into(), now.into()],
            )
            .await?;
        Ok(taken > 0)
    }

    /// Lets another call try a half-open circuit, if it was this one that should.
    pub async fn leave_probe(&mut self, webhook: WebhookKey, call: WebhookDeliveryKey) -> Result<()> {
        let sql = "UPDATE webhook SET probe = NULL WHERE pk = $1 AND probe = $2";
        self.execute_later(sql, &[webhook.into(), call.into()]).await
    }

    /// How a webhook's calls went, held until the end of the transaction. None when it is gone.
    pub async fn breaker(&mut self, webhook: WebhookKey) -> Result<Option<Breaker>> {
        self.lock("SELECT pk FROM webhook WHERE pk = $1 FOR NO KEY UPDATE", &[webhook.into()]);
        self.query_opt(
            "SELECT failures, failed_at, opened_until, probe FROM webhook WHERE pk = $1",
            &[webhook.into()],
            |row| {
                let times = row.opt_text(1)?.unwrap_or_default();
                Ok(Breaker {
                    failures: row.int(0)?,
                    failed_at: times.split(' ').filter_map(|time| time.parse().ok()).collect(),
                    opened_until: row.opt_int(2)?,
                    probe: row.opt_int(3)?.map(WebhookDeliveryKey),
                })
            },
        )
        .await
    }

    /// Writes down how a webhook's calls went.
    pub async fn set_breaker(&mut self, webhook: WebhookKey, breaker: &Breaker) -> Result<()> {
        let times = breaker.failed_at.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
        self.execute_later(
            "UPDATE webhook SET failures = $1, failed_at = $2, opened_until = $3, probe = $4 WHERE pk = $5",
            &[
                breaker.failures.into(),
                (!times.is_empty()).then_some(times.as_str()).into(),
                breaker.opened_until.into(),
                breaker.probe.into(),
                webhook.into(),
            ],
        )
        .await
    }

    /// Webhooks that are not called for a while.
    pub async fn open_circuits(&mut self) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM webhook WHERE opened_until IS NOT NULL AND active = 1";
        Ok(self.query_int(sql, &[]).await?.unwrap_or(0))
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
}
