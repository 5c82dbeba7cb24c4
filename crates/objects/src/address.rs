//! Addresses that open one object for one purpose until a certain second, without an API key.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// What an address is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Upload,
    Download,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Upload => b"upload\0",
            Self::Download => b"download\0",
        }
    }
}

/// The installation's key for addresses.
#[derive(Clone)]
pub struct AddressKey([u8; 32]);

impl AddressKey {
    /// Name of the installation's secret.
    pub const SECRET: &'static str = "object_addresses";

    /// Wraps the key.
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The signature of an address: 43 characters that need no escaping in a URL.
    pub fn sign(&self, purpose: Purpose, object: &[u8; 16], expires_s: i64) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.mac(purpose, object, expires_s))
    }

    /// Whether the signature is ours, for exactly this, and `now_s` is before its last second.
    pub fn verify(&self, purpose: Purpose, object: &[u8; 16], expires_s: i64, signature: &str, now_s: i64) -> bool {
        let expected = self.mac(purpose, object, expires_s);
        let given = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        bool::from(given.ct_eq(&expected)) && now_s < expires_s
    }

    fn mac(&self, purpose: Purpose, object: &[u8; 16], expires_s: i64) -> [u8; 32] {
        let mut mac = keyed(&self.0);
        mac.update(purpose.label());
        mac.update(object);
        mac.update(&expires_s.to_be_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// A MAC under a key of 32 bytes.
pub(crate) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // A key shorter than a block is filled up with zeros, so this is HMAC under exactly `key`.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    Hmac::new(&block.into())
}

impl std::fmt::Debug for AddressKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AddressKey(***)")
    }
}
