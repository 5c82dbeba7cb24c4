//! Where the server gets randomness: keys, codes and ids all start here.

use std::sync::{Arc, Mutex, PoisonError};

use agentchat_protocol::timestamp::Timestamp;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

/// The server's only source of randomness.
#[derive(Debug, Clone)]
pub enum Entropy {
    /// A generator seeded by the operating system, safe for secrets.
    System,
    /// The same bytes in every run, for tests.
    Seeded(Arc<Mutex<StdRng>>),
}

impl Entropy {
    /// A generator that repeats itself for the same `seed`. Never for a real server.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// Random bytes: `let secret: [u8; 32] = entropy.bytes();`.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Self::System => rand::rng().fill_bytes(&mut bytes),
            Self::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
        }
        bytes
    }

    /// The 16 bytes of a UUIDv7 made at `now`, for every public id.
    pub fn uuid_v7(&self, now: Timestamp) -> [u8; 16] {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let random: [u8; 10] = self.bytes();
        *uuid::Builder::from_unix_timestamp_millis(millis, &random).as_uuid().as_bytes()
    }
}
