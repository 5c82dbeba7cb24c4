//! `webhook` as the circuit in front of its queue: how calls went, who may try, and the end of a receiver.

use crate::key::{AgentKey, WebhookDeliveryKey, WebhookKey};
use crate::{Result, Tx};

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

impl Tx<'_> {
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
}
