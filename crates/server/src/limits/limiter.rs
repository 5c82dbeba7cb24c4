//! The GCRA token buckets: reserve before an operation, give back when nothing came of it.

use std::sync::Arc;

use agentchat_core::Refusal;

use super::buckets::{Bucket, Buckets};
use super::seen::{self, Remaining};
use super::{Limits, Policy, Rate};
use crate::clock::Clock;

pub(crate) use super::buckets::Key;

/// All buckets of the process. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Limiter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rates: Vec<Option<Rate>>,
    buckets: Buckets,
    clock: Clock,
}

/// What a reservation came to.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// A token of each policy is taken.
    Granted(Reservation),
    /// Nothing was taken.
    Refused(Refusal),
}

/// Taken tokens. Dropping it keeps them taken; [`Reservation::release`] gives them back.
#[derive(Debug)]
#[must_use = "dropping a reservation consumes its tokens; release it if nothing was done"]
pub(crate) struct Reservation {
    limiter: Limiter,
    first: Option<Taken>,
    more: Vec<Taken>,
}

#[derive(Debug, Clone, Copy)]
struct Taken {
    policy: Policy,
    bucket: Bucket,
    rate: Rate,
    cost_nanos: i64,
}

impl Limiter {
    /// Full buckets at the rates of `limits`, refilled by `clock`.
    pub(crate) fn new(limits: &Limits, clock: Clock) -> Self {
        let rates = Policy::ALL.iter().map(|policy| limits.rate(*policy)).collect();
        Self(Arc::new(Inner { rates, buckets: Buckets::new(), clock }))
    }

    /// Takes one token of `policy` for `key`. A policy that is off grants everything.
    pub(crate) fn reserve(&self, policy: Policy, key: Key) -> Verdict {
        let Some(taken) = self.taken(policy, key, 1) else {
            return Verdict::Granted(Reservation { limiter: self.clone(), first: None, more: Vec::new() });
        };
        let now = self.0.clock.monotonic_nanos();
        let mut shard = self.0.buckets.shard(&key);
        match taken.next_arrival(shard.arrival(&taken.bucket), now) {
            Ok(arrival) => {
                shard.set(taken.bucket, arrival, now);
                drop(shard);
                taken.show(arrival, now);
                Verdict::Granted(Reservation { limiter: self.clone(), first: Some(taken), more: Vec::new() })
            }
            Err(wait_nanos) => taken.refuse(wait_nanos, now),
        }
    }

    /// Takes one token each from several buckets, or from none of them.
    pub(crate) fn reserve_all(&self, wanted: &[(Policy, Key)]) -> Verdict {
        let wanted: Vec<_> = wanted.iter().map(|(policy, key)| (*policy, *key, 1)).collect();
        self.reserve_costs(&wanted)
    }

    /// Takes `cost` tokens each (bytes, for `upload_bytes`), or none at all.
    pub(crate) fn reserve_costs(&self, wanted: &[(Policy, Key, u32)]) -> Verdict {
        let taken: Vec<Taken> =
            wanted.iter().filter_map(|(policy, key, cost)| self.taken(*policy, *key, *cost)).collect();
        let now = self.0.clock.monotonic_nanos();
        let mut shards = self.0.buckets.lock_all(taken.iter().map(|taken| taken.bucket.1));
        let mut arrivals = Vec::with_capacity(taken.len());
        for one in &taken {
            let before = shards.shard(&one.bucket.1).map_or(i64::MIN, |shard| shard.arrival(&one.bucket));
            match one.next_arrival(before, now) {
                Ok(arrival) => arrivals.push(arrival),
                Err(wait_nanos) => return one.refuse(wait_nanos, now),
            }
        }
        for (one, arrival) in taken.iter().zip(arrivals) {
            if let Some(shard) = shards.shard(&one.bucket.1) {
                shard.set(one.bucket, arrival, now);
            }
            one.show(arrival, now);
        }
        drop(shards);
        Verdict::Granted(Reservation { limiter: self.clone(), first: None, more: taken })
    }

    fn taken(&self, policy: Policy, key: Key, cost: u32) -> Option<Taken> {
        let rate = self.0.rates[policy.index()]?;
        let bucket = (policy.index() as u8, key);
        // Multiplied before it is divided: an interval below one nanosecond must not round to 0.
        let cost_nanos = (rate.window_nanos() as i128 * i128::from(cost) / i128::from(rate.limit)) as i64;
        Some(Taken { policy, bucket, rate, cost_nanos: cost_nanos.max(1) })
    }

    fn give_back(&self, taken: &Taken) {
        let now = self.0.clock.monotonic_nanos();
        let mut shard = self.0.buckets.shard(&taken.bucket.1);
        let arrival = shard.arrival(&taken.bucket);
        if arrival > now {
            let arrival = arrival - taken.cost_nanos;
            shard.set(taken.bucket, arrival, now);
            drop(shard);
            taken.show(arrival, now);
        }
    }
}

impl Taken {
    /// The arrival time after one more token, or how many nanoseconds are missing.
    fn next_arrival(&self, before: i64, now: i64) -> Result<i64, i64> {
        let next = before.max(now) + self.cost_nanos;
        let missing = next - now - self.rate.window_nanos();
        // Rounding an interval down may leave less than a nanosecond per token: within ε.
        if missing <= 0 { Ok(next) } else { Err(missing) }
    }

    fn refuse(&self, wait_nanos: i64, now: i64) -> Verdict {
        metrics::counter!("agentchat_rate_limit_hits_total", "policy" => self.policy.name()).increment(1);
        self.show(now + self.rate.window_nanos(), now);
        Verdict::Refused(Refusal {
            policy: self.policy.reason(),
            limit: self.rate.limit.into(),
            window_s: self.rate.window_s.into(),
            retry_after_ms: wait_nanos.unsigned_abs().div_ceil(1_000_000).max(1),
        })
    }

    fn show(&self, arrival: i64, now: i64) {
        seen::note(Remaining { policy: self.policy, rate: self.rate, debt_nanos: (arrival - now).max(0) });
    }
}

impl Reservation {
    /// Gives every token back: the request was a replay, was rejected, or failed.
    pub(crate) fn release(self) {
        for taken in self.first.iter().chain(&self.more) {
            self.limiter.give_back(taken);
        }
    }
}

impl Verdict {
    /// The reservation, or the refusal as an error.
    pub(crate) fn granted(self) -> Result<Reservation, Refusal> {
        match self {
            Self::Granted(reservation) => Ok(reservation),
            Self::Refused(refusal) => Err(refusal),
        }
    }

    /// What the operation is told, and the tokens to give back if it stores nothing.
    pub(crate) fn split(self) -> (agentchat_core::Verdict, Option<Reservation>) {
        match self {
            Self::Granted(reservation) => (agentchat_core::Verdict::Granted, Some(reservation)),
            Self::Refused(refusal) => (agentchat_core::Verdict::Refused(refusal), None),
        }
    }
}

#[cfg(test)]
mod tests;
