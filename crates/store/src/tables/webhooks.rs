//! `webhook`, as its agent manages it, and `webhook_delivery`, as it is listed and replayed.
//!
//! A webhook that is deleted belongs to nobody (`agent` 0, which no account has) until a job has removed its
//! deliveries, so that its key names no other meanwhile.

use super::outbox::{MESSAGE_NEW, WANTS_EVENTS, WANTS_MESSAGES, WANTS_WAKING};
use crate::key::{AgentKey, MessageKey, WebhookDeliveryKey, WebhookKey};
use crate::row::{Row, Value};
use crate::{Engine, Result, StoreError, Tx};

/// A webhook, as it is made.
#[derive(Clone, Copy)]
pub struct NewWebhookRow<'a> {
    pub id: &'a [u8; 16],
    pub agent: AgentKey,
    pub url: &'a str,
    /// Sum of the bits of its events.
    pub events: i64,
    pub secret: &'a str,
    pub now: i64,
}

/// A stored webhook without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRow {
    pub key: WebhookKey,
    pub id: [u8; 16],
    pub url: String,
    /// Sum of the bits of its events.
    pub events: i64,
    pub active: bool,
    /// Why it is not active: 0 gone.
    pub disabled_reason: Option<i64>,
    pub created_at: i64,
    /// The circuit: `None` closed, else no attempt before.
    pub opened_until: Option<i64>,
}

/// What the calls of a webhook are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecrets {
    pub secret: String,
    /// The one before, and until when it signs too.
    pub old: Option<(String, i64)>,
}

impl WebhookSecrets {
    /// The present one, then the one before while it signs too.
    pub fn signing(self, now: i64) -> Vec<String> {
        let old = self.old.filter(|(_, until)| now < *until).map(|(old, _)| old);
        std::iter::once(self.secret).chain(old).collect()
    }
}

/// A call that a webhook is owed, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDeliveryRow {
    pub key: WebhookDeliveryKey,
    pub id: [u8; 16],
    /// One of the bits of events.
    pub event: i64,
    /// `message.new`: which.
    pub message: Option<MessageKey>,
    /// The other events: what to say.
    pub data: Option<String>,
    /// 0 pending, 1 delivering, 2 delivered, 3 failed, 4 dead.
    pub status: i64,
    pub attempts: i64,
    pub next_at: Option<i64>,
    pub last_attempt_at: Option<i64>,
    pub last_status_code: Option<i64>,
    pub last_error: Option<String>,
    pub created_at: i64,
    pub delivered_at: Option<i64>,
    pub replayed_as: Option<[u8; 16]>,
}

macro_rules! webhooks {
    ($rest:literal) => {
        concat!("SELECT pk, id, url, events, active, disabled_reason, created_at, opened_until FROM webhook ", $rest)
    };
}

macro_rules! deliveries {
    ($rest:literal) => {
        concat!(
            "SELECT pk, id, event, message, data, status, attempts, next_at, last_attempt_at, last_status_code, \
                    last_error, created_at, delivered_at, replayed_as FROM webhook_delivery ",
            $rest
        )
    };
}

fn webhook(row: &Row<'_>) -> Result<WebhookRow> {
    Ok(WebhookRow {
        key: WebhookKey(row.int(0)?),
        id: row.bytes(1)?,
        url: row.text(2)?,
        events: row.int(3)?,
        active: row.bool(4)?,
        disabled_reason: row.opt_int(5)?,
        created_at: row.int(6)?,
        opened_until: row.opt_int(7)?,
    })
}

fn delivery(row: &Row<'_>) -> Result<WebhookDeliveryRow> {
    Ok(WebhookDeliveryRow {
        key: WebhookDeliveryKey(row.int(0)?),
        id: row.bytes(1)?,
        event: row.int(2)?,
        message: row.opt_int(3)?.map(MessageKey),
        data: row.opt_text(4)?,
        status: row.int(5)?,
        attempts: row.int(6)?,
        next_at: row.opt_int(7)?,
        last_attempt_at: row.opt_int(8)?,
        last_status_code: row.opt_int(9)?,
        last_error: row.opt_text(10)?,
        created_at: row.int(11)?,
        delivered_at: row.opt_int(12)?,
        replayed_as: if row.is_null(13)? { None } else { Some(row.bytes(13)?) },
    })
}

impl Tx<'_> {
    /// Makes a webhook. What its agent's inbox says of webhooks is to be counted anew.
    pub async fn insert_webhook(&mut self, new: &NewWebhookRow<'_>) -> Result<WebhookKey> {
        let key = self
            .query_int(
                "INSERT INTO webhook (id, agent, url, events, secret, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
                 RETURNING pk",
                &[
                    new.id.into(),
                    new.agent.into(),
                    new.url.into(),
                    new.events.into(),
                    new.secret.into(),
                    new.now.into(),
                ],
            )
            .await?;
        key.map(WebhookKey).ok_or_else(|| StoreError::Internal("a stored webhook has no key".into()))
    }

    /// The webhooks of an agent, oldest first.
    pub async fn webhooks_of(&mut self, agent: AgentKey) -> Result<Vec<WebhookRow>> {
        self.query_all(webhooks!("WHERE agent = $1 ORDER BY pk"), &[agent.into()], webhook).await
    }

    /// One webhook of an agent.
    pub async fn webhook_of(&mut self, agent: AgentKey, id: &[u8; 16]) -> Result<Option<WebhookRow>> {
        self.query_opt(webhooks!("WHERE id = $1 AND agent = $2"), &[id.into(), agent.into()], webhook).await
    }

    /// What a webhook's calls are signed with.
    pub async fn webhook_secrets(&mut self, webhook: WebhookKey) -> Result<Option<WebhookSecrets>> {
        self.query_opt(
            "SELECT secret, old_secret, old_secret_until FROM webhook WHERE pk = $1",
            &[webhook.into()],
            |row| Ok(WebhookSecrets { secret: row.text(0)?, old: row.opt_text(1)?.zip(row.opt_int(2)?) }),
        )
        .await
    }

    /// Signs with another secret from now on; until a time with the one before, too.
    pub async fn replace_webhook_secret(&mut self, webhook: WebhookKey, secret: &str, old_until: i64) -> Result<()> {
        self.execute_later(
            "UPDATE webhook SET old_secret = secret, old_secret_until = $1, secret = $2 WHERE pk = $3",
            &[old_until.into(), secret.into(), webhook.into()],
        )
        .await
    }

    /// Takes a webhook from its agent: nobody finds or calls it any more. Its deliveries, and itself, are to be removed by
    /// [`Tx::drop_webhook`].
    pub async fn disown_webhook(&mut self, webhook: WebhookKey) -> Result<()> {
        self.execute_later(
            "UPDATE webhook SET agent = 0, active = 0, url = '', secret = '', old_secret = NULL WHERE pk = $1",
            &[webhook.into()],
        )
        .await
    }

    /// Removes up to `most` deliveries of a disowned webhook, or else itself; true when nothing is left.
    pub async fn drop_webhook(&mut self, webhook: WebhookKey, most: i64) -> Result<bool> {
        let dropped = self
            .execute(
                "DELETE FROM webhook_delivery WHERE pk IN \
                 (SELECT pk FROM webhook_delivery WHERE webhook = $1 ORDER BY pk LIMIT $2)",
                &[webhook.into(), most.into()],
            )
            .await?;
        if dropped >= most.unsigned_abs() {
            return Ok(false);
        }
        self.execute("DELETE FROM webhook WHERE pk = $1 AND agent = 0", &[webhook.into()]).await?;
        Ok(true)
    }

    /// Writes into an agent's inbox what its webhooks want. The inbox is to be locked.
    pub async fn recount_hooks(&mut self, agent: AgentKey) -> Result<()> {
        self.execute_later(
            "UPDATE inbox SET hooks = \
                 CASE WHEN EXISTS (SELECT 1 FROM webhook WHERE agent = $1 AND active = 1 AND events % 2 = 1) \
                      THEN CAST($2 AS BIGINT) ELSE 0 END \
               + CASE WHEN EXISTS (SELECT 1 FROM webhook WHERE agent = $1 AND active = 1 AND events > $3) \
                      THEN CAST($4 AS BIGINT) ELSE 0 END \
               + CASE WHEN EXISTS (SELECT 1 FROM wake_webhook WHERE agent = $1) \
                      THEN CAST($5 AS BIGINT) ELSE 0 END \
             WHERE agent = $1",
            &[agent.into(), WANTS_MESSAGES.into(), MESSAGE_NEW.into(), WANTS_EVENTS.into(), WANTS_WAKING.into()],
        )
        .await
    }

    /// Which of these agents have an active webhook that wants an event (one bit), ascending.
    pub async fn agents_wanting(&mut self, agents: &[AgentKey], event: i64) -> Result<Vec<AgentKey>> {
        macro_rules! wanting {
            ($agents:literal) => {
                concat!(
                    "SELECT DISTINCT agent FROM webhook WHERE agent ",
                    $agents,
                    " AND active = 1 AND (events / $2) % 2 = 1 ORDER BY agent"
                )
            };
        }
        let keys: Vec<i64> = agents.iter().map(|agent| agent.0).collect();
        let key = |row: &Row<'_>| row.int(0).map(AgentKey);
        match self.engine() {
            Engine::Sqlite => {
                let (sql, list) = (wanting!("IN (SELECT value FROM json_each($1))"), format!("{keys:?}"));
                self.query_all(sql, &[(&list).into(), event.into()], key).await
            }
            Engine::Postgres => self.query_all(wanting!("= ANY($1)"), &[Value::Ints(&keys), event.into()], key).await,
        }
    }

    /// Where a delivery stands among those of a webhook.
    pub async fn delivery_place(&mut self, webhook: WebhookKey, id: &[u8; 16]) -> Result<Option<WebhookDeliveryKey>> {
        let sql = "SELECT pk FROM webhook_delivery WHERE id = $1 AND webhook = $2";
        Ok(self.query_int(sql, &[id.into(), webhook.into()]).await?.map(WebhookDeliveryKey))
    }

    /// Up to `limit` deliveries of a webhook before one, newest first; of one status, if asked.
    pub async fn deliveries_of(
        &mut self,
        webhook: WebhookKey,
        status: Option<i64>,
        before: Option<WebhookDeliveryKey>,
        limit: i64,
    ) -> Result<Vec<WebhookDeliveryRow>> {
        let before = before.map_or(i64::MAX, |key| key.0);
        self.query_all(
            deliveries!("WHERE webhook = $1 AND ($2 < 0 OR status = $2) AND pk < $3 ORDER BY pk DESC LIMIT $4"),
            &[webhook.into(), status.unwrap_or(-1).into(), before.into(), limit.into()],
            delivery,
        )
        .await
    }

    /// One delivery of a webhook.
    pub async fn delivery_of(&mut self, webhook: WebhookKey, id: &[u8; 16]) -> Result<Option<WebhookDeliveryRow>> {
        let sql = deliveries!("WHERE id = $1 AND webhook = $2");
        self.query_opt(sql, &[id.into(), webhook.into()], delivery).await
    }

    /// One delivery of a webhook, held against others that replay it.
    pub async fn delivery_to_replay(
        &mut self,
        webhook: WebhookKey,
        id: &[u8; 16],
    ) -> Result<Option<WebhookDeliveryRow>> {
        self.lock("SELECT pk FROM webhook_delivery WHERE id = $1 FOR UPDATE", &[id.into()]);
        self.delivery_of(webhook, id).await
    }

    /// Queues what a delivery said once more, under another id, and notes that on it.
    pub async fn replay_delivery(
        &mut self,
        webhook: WebhookKey,
        row: &WebhookDeliveryRow,
        id: &[u8; 16],
        now: i64,
    ) -> Result<()> {
        self.execute_later(
            "INSERT INTO webhook_delivery (id, webhook, event, message, data, next_at, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $6)",
            &[id.into(), webhook.into(), row.event.into(), row.message.into(), row.data.as_deref().into(), now.into()],
        )
        .await?;
        self.execute_later("UPDATE webhook_delivery SET replayed_as = $1 WHERE pk = $2", &[id.into(), row.key.into()])
            .await
    }

    /// Deliveries that are owed still.
    pub async fn webhook_queue_depth(&mut self) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM webhook_delivery WHERE status < 2";
        Ok(self.query_int(sql, &[]).await?.unwrap_or(0))
    }
}
