//! Policies that are exact across nodes: their buckets are in the store that the nodes share.

use std::net::IpAddr;

use agentchat_core::Refusal;
use agentchat_core::limits::{Bucket, TakeToken, Token};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::Store;
use sha2::{Digest, Sha256};

use super::buckets::Key;
use super::limiter::Weighed;
use super::seen::{self, Remaining};
use super::{Policy, Rate};

/// Takes one token of `policy` for `key` out of the store. A store that cannot say lets the request through.
pub(crate) async fn take(
    store: &Store,
    policy: Policy,
    rate: Option<Rate>,
    key: Key,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(rate) = rate else { return Ok(()) };
    take_at_cost(store, policy, rate, key, (rate.interval_nanos() / 1_000).max(1), now).await
}

async fn take_at_cost(
    store: &Store,
    policy: Policy,
    rate: Rate,
    key: Key,
    cost_us: i64,
    now: Timestamp,
) -> Result<(), Refusal> {
    let operation = TakeToken {
        policy: policy.index() as i64,
        key: digest(policy, &key),
        interval_us: cost_us,
        window_us: rate.window_nanos() / 1_000,
        now,
    };
    match store.write(operation).await {
        Ok(Token::Taken { full_in_us }) => {
            seen::note(Remaining { policy, rate, debt_nanos: full_in_us.saturating_mul(1_000) });
            Ok(())
        }
        Ok(Token::Missing { wait_us }) => Err(refuse(policy, rate, wait_us)),
        Err(error) => {
            tracing::warn!(%error, policy = policy.name(), "a limit could not be checked; the request passes");
            Ok(())
        }
    }
}

/// As [`take`], any number of tokens.
pub(crate) async fn take_weighed(
    store: &Store,
    wanted: Weighed,
    rate: Option<Rate>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(rate) = rate else { return Ok(()) };
    let (cost_us, window_us) = ((rate.cost_nanos(wanted.tokens) / 1_000).max(1), rate.window_nanos() / 1_000);
    if cost_us > window_us {
        // More than the bucket ever holds.
        return Err(refuse(wanted.policy, rate, window_us));
    }
    take_at_cost(store, wanted.policy, rate, wanted.key, cost_us, now).await
}

/// The bucket of `policy` for `key`, for an operation that takes from it itself; `None` when it is switched off.
pub(crate) fn bucket(policy: Policy, rate: Option<Rate>, key: Key) -> Option<Bucket> {
    let rate = rate?;
    Some(Bucket {
        policy: policy.index() as i64,
        key: digest(policy, &key),
        interval_us: (rate.interval_nanos() / 1_000).max(1),
        window_us: rate.window_nanos() / 1_000,
        refusal: Refusal {
            policy: policy.reason(),
            limit: rate.limit.into(),
            window_s: rate.window_s.into(),
            retry_after_ms: 0,
        },
    })
}

/// Shows on the response what an operation left of a bucket it took from.
pub(crate) fn show_left(policy: Policy, rate: Option<Rate>, full_in_us: i64) {
    if let Some(rate) = rate {
        seen::note(Remaining { policy, rate, debt_nanos: full_in_us.saturating_mul(1_000) });
    }
}

/// Counts that an operation found a bucket empty, and shows it on the response.
pub(crate) fn show_empty(policy: Policy, rate: Option<Rate>) {
    if let Some(rate) = rate {
        let _same_as_answered = refuse(policy, rate, 0);
    }
}

fn refuse(policy: Policy, rate: Rate, wait_us: i64) -> Refusal {
    metrics::counter!("agentchat_rate_limit_hits_total", "policy" => policy.name()).increment(1);
    seen::note(Remaining { policy, rate, debt_nanos: rate.window_nanos() });
    Refusal {
        policy: policy.reason(),
        limit: rate.limit.into(),
        window_s: rate.window_s.into(),
        retry_after_ms: wait_us.unsigned_abs().div_ceil(1_000).max(1),
    }
}

/// By the policy's name: its number may be another in the next release.
fn digest(policy: Policy, key: &Key) -> [u8; 32] {
    let digest = Sha256::new().chain_update(policy.name()).chain_update([0]);
    let digest = match key {
        Key::Agent(agent) => digest.chain_update(b"agent").chain_update(agent.to_be_bytes()),
        Key::Ip(IpAddr::V4(address)) => digest.chain_update(b"ip").chain_update(address.octets()),
        Key::Ip(IpAddr::V6(address)) => digest.chain_update(b"ip").chain_update(address.octets()),
    };
    digest.finalize().into()
}
