//! The state of all buckets: one number each, forgotten once the bucket is full again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who a policy counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// An agent, by its integer key.
    Agent(i64),
    /// A client address.
    Ip(IpAddr),
}

impl Key {
    /// The key of a client address. One IPv6 subscriber holds a /64, so that is what counts.
    pub(crate) fn ip(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let network = u128::from(v6) & !u128::from(u64::MAX);
                Self::Ip(IpAddr::V6(network.into()))
            }
            v4 => Self::Ip(v4),
        }
    }
}

/// A policy's index and whom it counts for.
pub(super) type Bucket = (u8, Key);
type Arrivals = HashMap<Bucket, i64>;

const SHARDS: usize = 16;
/// Buckets a shard may hold before it looks for full ones to forget.
const SWEEP_AT: usize = 4_096;
/// Buckets a shard never exceeds: 16 × 65,536 × about 48 bytes is 50 MB.
const HARD_CAP: usize = 65_536;

/// Theoretical arrival times (µs) of the buckets that are not full.
#[derive(Debug)]
pub(super) struct Buckets {
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug)]
pub(super) struct Shard {
    arrivals: Arrivals,
    sweep_at: usize,
}

impl Buckets {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::new(Shard::new())).collect() }
    }

    /// The shard of everything that counts for `key`.
    pub(super) fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        self.lock(shard_of(key))
    }

    /// The shards of several keys, each locked once and in ascending order.
    pub(super) fn lock_all<'a>(&'a self, keys: impl Iterator<Item = Key>) -> Locked<'a> {
        let mut indexes: Vec<usize> = keys.map(|key| shard_of(&key)).collect();
        indexes.sort_unstable();
        indexes.dedup();
        Locked(indexes.into_iter().map(|index| (index, self.lock(index))).collect())
    }

    fn lock(&self, index: usize) -> MutexGuard<'_, Shard> {
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        (0..SHARDS).map(|index| self.lock(index).arrivals.len()).sum()
    }
}

/// Several shards held together, for a check against several policies.
pub(super) struct Locked<'a>(Vec<(usize, MutexGuard<'a, Shard>)>);

impl Locked<'_> {
    pub(super) fn shard(&mut self, key: &Key) -> Option<&mut Shard> {
        let index = shard_of(key);
        self.0.iter_mut().find(|(held, _)| *held == index).map(|(_, shard)| &mut **shard)
    }
}

impl Shard {
    fn new() -> Self {
        Self { arrivals: Arrivals::new(), sweep_at: SWEEP_AT }
    }

    /// The bucket's theoretical arrival time; a forgotten bucket is full.
    pub(super) fn arrival(&self, bucket: &Bucket) -> i64 {
        self.arrivals.get(bucket).copied().unwrap_or(i64::MIN)
    }

    pub(super) fn set(&mut self, bucket: Bucket, arrival: i64, now: i64) {
        if self.arrivals.len() >= self.sweep_at && !self.arrivals.contains_key(&bucket) {
            self.sweep(now);
        }
        self.arrivals.insert(bucket, arrival);
    }

    /// Forgets full buckets; past the hard cap also others, since limiters fail open.
    fn sweep(&mut self, now: i64) {
        self.arrivals.retain(|_, arrival| *arrival > now);
        if self.arrivals.len() >= HARD_CAP {
            let mut keep = false;
            self.arrivals.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        self.sweep_at = (self.arrivals.len() * 2).clamp(SWEEP_AT, HARD_CAP);
    }
}

/// Keys of one kind are numbers that are handed out in a row, so their low bits spread well.
fn shard_of(key: &Key) -> usize {
    let bits = match key {
        Key::Agent(number) => number.unsigned_abs(),
        Key::Ip(IpAddr::V4(address)) => u64::from(u32::from_be_bytes(address.octets())),
        Key::Ip(IpAddr::V6(address)) => (u128::from(*address) >> 64) as u64,
    };
    (bits ^ (bits >> 16) ^ (bits >> 32)) as usize % SHARDS
}
