//! Delivery ids that carry their position: made and read without a look-up, useless when forged or borrowed.
//!
//! A UUIDv7's bits: 48 of the message's milliseconds, 4 version, 12 + 28 of the recipient's position around
//! the 2 variant bits, 34 of a MAC over (agent, position, milliseconds).

use std::hash::Hasher;

use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher24;

use crate::id::DeliveryId;

/// The highest position an id can carry.
pub const MAX_POSITION: u64 = (1 << 40) - 1;
const MAC_BITS: u32 = 34;
const MAC_MASK: u64 = (1 << MAC_BITS) - 1;

/// The server's key for delivery ids.
#[derive(Clone)]
pub struct DeliveryKey {
    seed: [u8; 16],
}

impl std::fmt::Debug for DeliveryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeliveryKey(***)")
    }
}

impl DeliveryKey {
    /// The key of 32 secret bytes; every node of a service has the same.
    pub fn new(secret: [u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(b"agentchat delivery id\0").chain_update(secret).finalize();
        let mut seed = [0; 16];
        seed.copy_from_slice(&digest[..16]);
        Self { seed }
    }

    /// The id of the envelope at `position` of `agent`'s log, for a message of the moment `ms`.
    pub fn encode(&self, agent: i64, position: u64, ms: i64) -> DeliveryId {
        let position = position & MAX_POSITION;
        let ms = ms as u64 & 0xffff_ffff_ffff;
        let high = ms << 16 | 0x7000 | position >> 28;
        let low = 0b10 << 62 | (position & 0xfff_ffff) << MAC_BITS | self.mac(agent, position, ms);
        DeliveryId::from_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }

    /// The position, if this id was made for `agent` with this key.
    pub fn decode(&self, agent: i64, id: &DeliveryId) -> Option<u64> {
        let value = u128::from_be_bytes(id.bytes());
        let (high, low) = ((value >> 64) as u64, value as u64);
        let position = (high & 0xfff) << 28 | low >> MAC_BITS & 0xfff_ffff;
        let genuine =
            high >> 12 & 0xf == 7 && low >> 62 == 0b10 && low & MAC_MASK == self.mac(agent, position, high >> 16);
        genuine.then_some(position)
    }

    /// A number as `agent` may carry it away and bring it back: nobody reads it, and nobody makes another.
    pub fn seal(&self, agent: i64, number: i64) -> String {
        let tag = self.hash(1, agent, number as u64);
        format!("{tag:016x}{:016x}", number as u64 ^ self.hash(2, agent, tag))
    }

    /// The number, if it was sealed for `agent` with this key.
    pub fn open(&self, agent: i64, sealed: &str) -> Option<i64> {
        if sealed.len() != 32 || !sealed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let half = |text: &str| u64::from_str_radix(text, 16).ok();
        let (tag, masked) = (half(&sealed[..16])?, half(&sealed[16..])?);
        let number = masked ^ self.hash(2, agent, tag);
        (self.hash(1, agent, number) == tag).then_some(number as i64)
    }

    /// Apart from what delivery ids are signed with, by its length.
    fn hash(&self, purpose: u8, agent: i64, number: u64) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.seed);
        hasher.write(&[purpose]);
        hasher.write(&agent.to_le_bytes());
        hasher.write(&number.to_le_bytes());
        hasher.finish()
    }

    fn mac(&self, agent: i64, position: u64, ms: u64) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.seed);
        hasher.write(&agent.to_le_bytes());
        hasher.write(&position.to_le_bytes());
        hasher.write(&ms.to_le_bytes());
        hasher.finish() & MAC_MASK
    }
}
