//! One-time codes: six digits that only their pending id and flow make valid, kept as a keyed hash.

use std::fmt;

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::PendingId;
use agentchat_store::tables::{Flow, PendingRow};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::Rejection;

const CODES: u64 = 1_000_000;

/// Six digits, mailed once and never stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(u32);

impl Code {
    /// The code of eight bytes from a secure generator; no code is measurably likelier than another.
    pub fn from_entropy(entropy: [u8; 8]) -> Self {
        Self((u64::from_be_bytes(entropy) % CODES) as u32)
    }

    /// What a caller typed: six digits, white space around them allowed.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim();
        let six = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        six.then(|| digits.parse().ok().map(Self)).flatten()
    }

    /// The digits, for the mail alone.
    pub fn expose(&self) -> String {
        format!("{:06}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The installation's secret under which codes are hashed: a stolen table gives no codes away.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeKey([u8; 32]);

impl CodeKey {
    /// Name of the installation's secret this key is.
    pub const SECRET: &'static str = "one_time_codes";

    /// The key of that secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    fn hash(&self, flow: Flow, pending: PendingId, code: Code) -> [u8; 32] {
        let flow: &[u8] = match flow {
            Flow::Register => b"register",
            Flow::Recover => b"recover",
            Flow::Rotate => b"rotate",
        };
        // A key is padded with zeros to one block of the hash, which is what HMAC does with a shorter one.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new((&block).into());
        mac.update(&pending.bytes());
        mac.update(code.expose().as_bytes());
        mac.update(flow);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The numbers that codes obey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeRules {
    /// Milliseconds a code lives.
    pub ttl_ms: i64,
    /// Tries for one pending.
    pub tries: u64,
    /// Milliseconds between two codes to one e-mail.
    pub cooldown_ms: i64,
    /// Codes to one e-mail in an hour.
    pub hourly: u64,
}

impl Default for CodeRules {
    fn default() -> Self {
        Self { ttl_ms: 600_000, tries: 5, cooldown_ms: 60_000, hourly: 20 }
    }
}

/// A fresh pending id with its code, and the key that ties them together.
#[derive(Debug, Clone)]
pub struct Challenge {
    pub pending: PendingId,
    pub code: Code,
    pub key: CodeKey,
}

impl Challenge {
    pub(super) fn hash(&self, flow: Flow) -> [u8; 32] {
        self.key.hash(flow, self.pending, self.code)
    }
}

/// Whether `code` is the one of this pending. A decoy takes as long and is never satisfied.
pub(super) fn check_code(pending: &PendingRow, code: Code, key: &CodeKey) -> Result<(), Rejection> {
    let given = key.hash(pending.flow, pending.id, code);
    let equal: bool = given.ct_eq(&pending.code_hash.unwrap_or_default()).into();
    if equal && pending.code_hash.is_some() { Ok(()) } else { Err(invalid_code()) }
}

pub(super) fn invalid_code() -> Rejection {
    Rejection::new(ErrorCode::InvalidCode, "Invalid verification code")
}

/// The pending is unknown, over, redeemed, or somebody else's: nobody learns which.
pub(super) fn expired() -> Rejection {
    Rejection::new(ErrorCode::Expired, "Verification code expired or not found, request a new one")
}
