//! Which calls are to be made now.

use std::collections::BTreeMap;

use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::WebhookEvent;
use agentchat_store::key::{WebhookDeliveryKey, WebhookKey};
use agentchat_store::tables::{Claimant, DueCall, HookState};
use agentchat_store::{Tx, Write};

use crate::Error;

/// Calls that are looked at in one go. More than are taken, since some belong to webhooks with no room.
const CANDIDATES: i64 = 512;
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
#[derive(Debug, Clone)]
pub struct ClaimCalls {
    pub node: [u8; 16],
    /// In all.
    pub limit: usize,
    /// Of one webhook, those included that are out.
    pub limit_of_one: usize,
    /// How many calls of each webhook are out.
    pub out: BTreeMap<WebhookKey, usize>,
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
        let due = tx.due_calls(&self.full(), now, CANDIDATES).await?;
        let all_seen = i64::try_from(due.len()).is_ok_and(|found| found < CANDIDATES);
        let mut out = self.out.clone();
        let (mut calls, mut later, mut dropped) = (Vec::new(), Vec::new(), Vec::new());
        for call in due {
            let of_one = out.entry(call.webhook).or_default();
            if *of_one >= self.limit_of_one || calls.len() >= self.limit {
                continue;
            }
            match self.judge(tx, &call).await? {
                Verdict::Call => {
                    *of_one += 1;
                    calls.push(call);
                }
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
        let later_any = !later.is_empty() || !dropped.is_empty();
        for (until, keys) in grouped(later) {
            tx.postpone_calls(&keys, until).await?;
        }
        for ((status, error), keys) in grouped(dropped.into_iter().map(|(status, error, key)| ((status, error), key))) {
            tx.drop_calls(&keys, status, error).await?;
        }
        // What is left of those seen waits for room, which comes when a call comes back.
        let more = !all_seen && (later_any || !calls.is_empty());
        Ok(Claimed { calls, more })
    }
}

impl ClaimCalls {
    /// Webhooks of which as many calls are out as may be.
    fn full(&self) -> Vec<WebhookKey> {
        let full = self.out.iter().filter(|(_, out)| **out >= self.limit_of_one);
        full.map(|(webhook, _)| *webhook).collect()
    }

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
