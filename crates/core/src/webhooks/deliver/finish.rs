//! What came of calls, many in one transaction.

use std::collections::BTreeMap;

use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::WebhookEvent;
use agentchat_store::key::{WebhookDeliveryKey, WebhookKey};
use agentchat_store::tables::{Breaker, DueCall};
use agentchat_store::{Tx, Write};

use super::breaker;
use crate::Error;

/// Pauses after the first eight attempts, in seconds; there is no tenth.
const PAUSES_S: [i64; 8] = [10, 30, 60, 5 * 60, 15 * 60, 60 * 60, 6 * 60 * 60, 24 * 60 * 60];

/// `webhook_delivery.status`.
const PENDING: i64 = 0;
const FAILED: i64 = 3;
const DEAD: i64 = 4;

/// Characters of an error that are kept.
const ERROR_LENGTH: usize = 1024;

/// Writes down what came of calls that a node made. What is not its own any more is passed over.
#[derive(Debug, Clone)]
pub struct FinishCalls {
    pub node: [u8; 16],
    pub calls: Vec<FinishedCall>,
    pub now: Timestamp,
}

/// A call that was made, or cannot be.
#[derive(Debug, Clone)]
pub struct FinishedCall {
    pub call: DueCall,
    pub outcome: CallOutcome,
    /// In thousandths, 800 to 1,200: so much of the pause is waited.
    pub jitter: i64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// A good answer.
    Delivered {
        /// 2xx.
        status: u16,
    },
    /// No answer, or not a good one.
    Failed {
        /// What was answered, if anything.
        status: Option<u16>,
        /// What went wrong.
        error: String,
    },
    /// There is nothing to say any more.
    Void(&'static str),
}

impl Write for FinishCalls {
    type Out = Vec<DueCall>;
    type Error = Error;

    /// The calls that were delivered and whose message is settled by that.
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<DueCall>, Error> {
        let mut breakers = self.breakers(tx).await?;
        let before = breakers.clone();
        let delivered = self.delivered(tx, &mut breakers).await?;
        for finished in &self.calls {
            match &finished.outcome {
                CallOutcome::Delivered { .. } => {}
                CallOutcome::Void(reason) => {
                    tx.drop_calls(&[finished.call.key], DEAD, reason).await?;
                    breakers.entry(finished.call.webhook).and_modify(|one| breaker::passed(one, finished.call.key));
                }
                CallOutcome::Failed { status, error } => {
                    self.fail(tx, finished, *status, error, &mut breakers).await?;
                }
            }
        }
        for (webhook, breaker) in &breakers {
            if before.get(webhook) != Some(breaker) {
                tx.set_breaker(*webhook, breaker).await?;
            }
        }
        Ok(delivered)
    }
}

impl FinishCalls {
    /// Held in the order of their keys.
    async fn breakers(&self, tx: &mut Tx<'_>) -> Result<BTreeMap<WebhookKey, Breaker>, Error> {
        let mut webhooks: Vec<WebhookKey> = self.calls.iter().map(|finished| finished.call.webhook).collect();
        webhooks.sort_unstable();
        webhooks.dedup();
        let mut breakers = BTreeMap::new();
        for webhook in webhooks {
            if let Some(breaker) = tx.breaker(webhook).await? {
                breakers.insert(webhook, breaker);
            }
        }
        Ok(breakers)
    }

    async fn delivered(
        &self,
        tx: &mut Tx<'_>,
        breakers: &mut BTreeMap<WebhookKey, Breaker>,
    ) -> Result<Vec<DueCall>, Error> {
        let mut by_status: BTreeMap<u16, BTreeMap<WebhookDeliveryKey, &DueCall>> = BTreeMap::new();
        for finished in &self.calls {
            if let CallOutcome::Delivered { status } = finished.outcome {
                by_status.entry(status).or_default().insert(finished.call.key, &finished.call);
            }
        }
        let mut settled = Vec::new();
        for (status, calls) in by_status {
            let keys: Vec<_> = calls.keys().copied().collect();
            for key in tx.finish_calls(&keys, &self.node, i64::from(status), self.now.as_millis()).await? {
                let Some(call) = calls.get(&key) else { continue };
                if let Some(breaker) = breakers.get_mut(&call.webhook) {
                    breaker::succeeded(breaker, key);
                }
                if call.message.is_some() {
                    settled.push((*call).clone());
                }
            }
        }
        Ok(settled)
    }

    async fn fail(
        &self,
        tx: &mut Tx<'_>,
        finished: &FinishedCall,
        status: Option<u16>,
        error: &str,
        breakers: &mut BTreeMap<WebhookKey, Breaker>,
    ) -> Result<(), Error> {
        let (call, now) = (&finished.call, self.now.as_millis());
        let error: String = error.chars().take(ERROR_LENGTH).collect();
        let code = status.map(i64::from);
        let is_ours = tx.fail_call(call.key, &self.node, self.next(finished), (code, &error), now).await?;
        if let Some(breaker) = breakers.get_mut(&call.webhook).filter(|_| is_ours) {
            breaker::failed(breaker, call.key, now);
        }
        Ok(())
    }

    /// Status and time of the next attempt.
    fn next(&self, finished: &FinishedCall) -> (i64, Option<i64>) {
        if finished.call.event == WebhookEvent::PresenceUpdate.bit() {
            return (FAILED, None);
        }
        let pause = usize::try_from(finished.call.attempts).ok().and_then(|made| PAUSES_S.get(made));
        match pause {
            Some(pause) => (PENDING, Some(self.now.as_millis() + pause * finished.jitter)),
            None => (DEAD, None),
        }
    }
}
