//! Which calls are to be made now.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::WebhookEvent;
use agentchat_store::key::WebhookDeliveryKey;
use agentchat_store::tables::{Claimant, DueCall, HookState};
use agentchat_store::{Tx, Write};

use crate::Error;

/// A worker that died is noticed after so long.
const LEASE_MS: i64 = 60_000;
/// Calls for an agent whose owner paused everything are looked at again after so long.
const PAUSED_MS: i64 = 30_000;
/// Calls behind a probe are looked at again after so long.
const BEHIND_PROBE_MS: i64 = 5_000;

/// `webhook_delivery.status`: failed without another attempt, given up.
const FAILED: i64 = 3;
const DEAD: i64 = 4;

/// Takes up to `limit` calls that are due for a node. Those behind an open circuit are left until it may be tried; no
/// attempt of them is counted.
#[derive(Debug, Clone, Copy)]
pub struct ClaimCalls {
    pub node: [u8; 16],
    pub limit: i64,
    pub now: Timestamp,
}

/// What was taken.
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    pub calls: Vec<DueCall>,
    /// There may be more.
    pub more: bool,
}

enum Verdict {
    Call,
    Later(i64),
    Drop(i64, &'static str),
}

impl Write for ClaimCalls {
    type Out = Claimed;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Claimed, Error> {
        let now = self.now.as_millis();
        let due = tx.due_calls(now, self.limit).await?;
        let more = i64::try_from(due.len()).is_ok_and(|found| found == self.limit);
        let (mut calls, mut later, mut dropped) = (Vec::new(), Vec::new(), Vec::new());
        for call in due {
            match self.judge(tx, &call).await? {
                Verdict::Call => calls.push(call),
                Verdict::Later(until) => later.push((until, call.key)),
                Verdict::Drop(status, error) => {
                    if call.hook.is_some_and(|hook| hook.opened_until.is_some()) {
                        tx.leave_probe(call.webhook, call.key).await?;
                    }
                    dropped.push((status, error, call.key));
                }
            }
        }
        let keys: Vec<_> = calls.iter().map(|call| call.key).collect();
        if !keys.is_empty() {
            tx.claim_calls(&keys, Claimant { node: &self.node, until: now + LEASE_MS }).await?;
        }
        for (until, keys) in grouped(later) {
            tx.postpone_calls(&keys, until).await?;
        }
        for ((status, error), keys) in grouped(dropped.into_iter().map(|(status, error, key)| ((status, error), key))) {
            tx.drop_calls(&keys, status, error).await?;
        }
        Ok(Claimed { calls, more })
    }
}

impl ClaimCalls {
    async fn judge(&self, tx: &mut Tx<'_>, call: &DueCall) -> Result<Verdict, Error> {
        let now = self.now.as_millis();
        let Some(hook) = call.hook.filter(|hook| hook.active) else {
            return Ok(Verdict::Drop(DEAD, "the webhook is not active"));
        };
        if let Some(verdict) = paused(call, &hook, now) {
            return Ok(verdict);
        }
        match hook.opened_until {
            None => Ok(Verdict::Call),
            Some(until) if until > now => Ok(Verdict::Later(until)),
            Some(_) if tx.take_probe(call.webhook, call.key, now).await? => Ok(Verdict::Call),
            Some(_) => Ok(Verdict::Later(now + BEHIND_PROBE_MS)),
        }
    }
}

/// A full pause holds messages and drops everything else.
fn paused(call: &DueCall, hook: &HookState, now: i64) -> Option<Verdict> {
    let is_message = call.event == WebhookEvent::MessageNew.bit();
    match hook.fully_paused {
        false => None,
        true if is_message => Some(Verdict::Later(now + PAUSED_MS)),
        true => Some(Verdict::Drop(FAILED, "the agent is paused")),
    }
}

/// Keys that share what is done with them.
fn grouped<K: PartialEq>(
    pairs: impl IntoIterator<Item = (K, WebhookDeliveryKey)>,
) -> Vec<(K, Vec<WebhookDeliveryKey>)> {
    let mut groups: Vec<(K, Vec<WebhookDeliveryKey>)> = Vec::new();
    for (what, key) in pairs {
        match groups.iter_mut().find(|(known, _)| *known == what) {
            Some((_, keys)) => keys.push(key),
            None => groups.push((what, vec![key])),
        }
    }
    groups
}
