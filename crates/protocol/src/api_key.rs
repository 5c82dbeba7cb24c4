//! API keys: `ac_live_`, 43 base62 digits of entropy, 6 of checksum.

use std::fmt;

use sha2::{Digest, Sha256};

const PREFIX: &str = "ac_live_";
const SECRET: usize = 43;
const CHECKSUM: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An API key, shown once and never stored: stores keep [`hash_key`] of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// The key of 32 bytes from a secure generator.
    pub fn from_entropy(entropy: [u8; 32]) -> Self {
        let mut key = format!("{PREFIX}{}", base62(entropy, SECRET));
        let checksum = crc32(key.as_bytes());
        key.push_str(&base62(checksum.to_be_bytes(), CHECKSUM));
        Self(key)
    }

    /// The key itself: for its holder's eyes, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether a presented text has the form of a key and its checksum fits. Says nothing about an account.
    pub fn checksum_ok(text: &str) -> bool {
        let body = PREFIX.len() + SECRET;
        text.len() == body + CHECKSUM
            && text.starts_with(PREFIX)
            && text.as_bytes()[PREFIX.len()..].iter().all(u8::is_ascii_alphanumeric)
            && base62(crc32(&text.as_bytes()[..body]).to_be_bytes(), CHECKSUM) == text[body..]
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// SHA-256 of the whole key: the form in which it is stored and looked up.
pub fn hash_key(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// The big-endian number in base 62, left-padded with `0` to `width` digits.
fn base62<const BYTES: usize>(mut number: [u8; BYTES], width: usize) -> String {
    let mut digits = vec![b'0'; width];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0u32;
        for byte in &mut number {
            let value = remainder << 8 | u32::from(*byte);
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        *digit = ALPHABET[remainder as usize];
    }
    digits.into_iter().map(char::from).collect()
}

/// CRC-32 (ISO-HDLC), bit by bit: it runs over 51 bytes.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let low_bit_mask = (crc & 1).wrapping_neg();
            crc = crc >> 1 ^ 0xedb8_8320 & low_bit_mask;
        }
    }
    !crc
}
