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

/// Tokens wanted of one bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weighed {
    pub(crate) policy: Policy,
    pub(crate) key: Key,
    pub(crate) tokens: u64,
}

impl Weighed {
    pub(crate) fn one(policy: Policy, key: Key) -> Self {
        Self::of(policy, key, 1)
    }

    pub(crate) fn of(policy: Policy, key: Key, tokens: u64) -> Self {
        Self { policy, key, tokens }
    }
}

/// Taken tokens. Dropping it keeps them taken; [`Reservation::release`] gives them back.
#[derive(Debug)]
#[must_use = "dropping a reservation consumes its tokens; release it if nothing was done"]
pub(crate) struct Reservation {
    limiter: Limiter,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    policy: Policy,
    bucket: Bucket,
    rate: Rate,
    /// How long the bucket takes to get them back.
    cost_nanos: i64,
    /// How long the bucket took to fill once this was taken.
    debt_nanos: i64,
}

/// A bucket that is nearly empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Low {
    pub(crate) limit: u32,
    /// Whole tokens left.
    pub(crate) remaining: u32,
    /// Milliseconds until it is full.
    pub(crate) full_in_ms: i64,
}

impl Limiter {
    /// Full buckets at the rates of `limits`, refilled by `clock`.
    pub(crate) fn new(limits: &Limits, clock: Clock) -> Self {
        let rates = Policy::ALL.iter().map(|policy| limits.rate(*policy)).collect();
        Self(Arc::new(Inner { rates, buckets: Buckets::new(), clock }))
    }

    /// Takes one token of `policy` for `key`. A policy that is off grants everything.
    pub(crate) fn reserve(&self, policy: Policy, key: Key) -> Verdict {
        self.reserve_all(&[(policy, key)])
    }

    /// Takes one token each from several buckets, or from none of them.
    pub(crate) fn reserve_all(&self, wanted: &[(Policy, Key)]) -> Verdict {
        let mut tokens: Vec<Token> =
            wanted.iter().filter_map(|(policy, key)| self.token(Weighed::one(*policy, *key))).collect();
        self.take(&mut tokens).map_or_else(Verdict::Refused, |()| self.granted(tokens))
    }

    /// As [`Limiter::reserve_all`], any number of tokens each.
    pub(crate) fn reserve_weighed(&self, wanted: &[Weighed]) -> Verdict {
        let mut tokens: Vec<Token> = wanted.iter().filter_map(|wanted| self.token(*wanted)).collect();
        self.take(&mut tokens).map_or_else(Verdict::Refused, |()| self.granted(tokens))
    }

    fn granted(&self, tokens: Vec<Token>) -> Verdict {
        Verdict::Granted(Reservation { limiter: self.clone(), tokens })
    }

    /// All of them or none.
    fn take(&self, tokens: &mut [Token]) -> Result<(), Refusal> {
        let now = self.0.clock.monotonic_nanos();
        let mut shards = self.0.buckets.lock_all(tokens.iter().map(|token| token.bucket.1));
        let mut arrivals = Vec::with_capacity(tokens.len());
        for token in tokens.iter() {
            let before = shards.shard(&token.bucket.1).map_or(i64::MIN, |shard| shard.arrival(&token.bucket));
            match token.next_arrival(before, now) {
                Ok(arrival) => arrivals.push(arrival),
                Err(wait_nanos) => return Err(token.refuse(wait_nanos, now)),
            }
        }
        for (token, arrival) in tokens.iter_mut().zip(arrivals) {
            token.debt_nanos = arrival - now;
            if let Some(shard) = shards.shard(&token.bucket.1) {
                shard.set(token.bucket, arrival, now);
            }
            token.show(arrival, now);
        }
        Ok(())
    }

    /// Tokens of a policy; none when the policy is off.
    fn token(&self, Weighed { policy, key, tokens }: Weighed) -> Option<Token> {
        let rate = self.0.rates[policy.index()]?;
        let cost_nanos = rate.cost_nanos(tokens);
        Some(Token { policy, bucket: (policy.index() as u8, key), rate, cost_nanos, debt_nanos: 0 })
    }

    fn give_back(&self, token: &Token) {
        let now = self.0.clock.monotonic_nanos();
        let mut shard = self.0.buckets.shard(&token.bucket.1);
        let arrival = shard.arrival(&token.bucket);
        if arrival > now {
            let arrival = arrival - token.cost_nanos;
            shard.set(token.bucket, arrival, now);
            drop(shard);
            token.show(arrival, now);
        }
    }
}

impl Token {
    /// The arrival time after one more token, or how many nanoseconds are missing.
    fn next_arrival(&self, before: i64, now: i64) -> Result<i64, i64> {
        let next = before.max(now) + self.cost_nanos;
        let missing = next - now - self.rate.window_nanos();
        // Rounding an interval down may leave less than a nanosecond per token: within ε.
        if missing <= 0 { Ok(next) } else { Err(missing) }
    }

    fn refuse(&self, wait_nanos: i64, now: i64) -> Refusal {
        metrics::counter!("agentchat_rate_limit_hits_total", "policy" => self.policy.name()).increment(1);
        self.show(now + self.rate.window_nanos(), now);
        Refusal {
            policy: self.policy.reason(),
            limit: self.rate.limit.into(),
            window_s: self.rate.window_s.into(),
            retry_after_ms: wait_nanos.unsigned_abs().div_ceil(1_000_000).max(1),
        }
    }

    fn show(&self, arrival: i64, now: i64) {
        seen::note(Remaining { policy: self.policy, rate: self.rate, debt_nanos: (arrival - now).max(0) });
    }
}

impl Reservation {
    /// The first bucket that holds less than a fifth of its tokens.
    pub(crate) fn low(&self) -> Option<Low> {
        self.tokens.iter().find_map(|token| {
            let remaining = token.rate.tokens_left(token.debt_nanos);
            let full_in_ms = token.debt_nanos / 1_000_000;
            let low = Low { limit: token.rate.limit, remaining, full_in_ms };
            (u64::from(remaining) * 5 < u64::from(low.limit)).then_some(low)
        })
    }

    /// Gives every token back: the request was a replay, was rejected, or failed.
    pub(crate) fn release(self) {
        for token in &self.tokens {
            self.limiter.give_back(token);
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
