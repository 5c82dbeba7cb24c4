//! Public ids: a prefix and the 128 bits of a UUIDv7 in Crockford base32 (`msg_01KF0F…`), or in hex for deliveries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::timestamp::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ENCODED: usize = 26;

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {expected} id")]
pub struct InvalidId {
    /// The prefix that was expected, without the underscore.
    pub expected: &'static str,
}

/// The 16 bytes of a UUIDv7: 48 bits of milliseconds, then the entropy under the version and variant bits.
pub fn version_7(now: Timestamp, entropy: [u8; 10]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&now.as_millis().to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&entropy);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    bytes
}

fn encode(bytes: [u8; 16]) -> [u8; ENCODED] {
    let mut value = u128::from_be_bytes(bytes);
    let mut out = [0; ENCODED];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(value & 31) as usize];
        value >>= 5;
    }
    out
}

const DIGITS: [u8; 256] = digits();

const fn digits() -> [u8; 256] {
    let mut table = [0xff; 256];
    let mut at = 0;
    while at < ALPHABET.len() {
        table[ALPHABET[at] as usize] = at as u8;
        at += 1;
    }
    table
}

fn decode(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    // 26 characters hold 130 bits: the first may only use its low three.
    if text.len() != ENCODED || text[0] > b'7' {
        return None;
    }
    let mut value = 0u128;
    for byte in text {
        let digit = DIGITS[usize::from(*byte)];
        if digit == 0xff {
            return None;
        }
        value = value << 5 | u128::from(digit);
    }
    Some(value.to_be_bytes())
}

fn write_encoded(f: &mut fmt::Formatter<'_>, prefix: &str, bytes: [u8; 16]) -> fmt::Result {
    let encoded = encode(bytes);
    f.write_str(prefix)?;
    f.write_str("_")?;
    f.write_str(std::str::from_utf8(&encoded).map_err(|_| fmt::Error)?)
}

/// `Debug`, serde and the OpenAPI schema of a type that has `Display` and `FromStr`.
macro_rules! as_text {
    ($name:ident, $example:expr, $pattern:expr) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::spelled::from_text(deserializer, str::parse)
            }
        }

        crate::spelled::text_schema!($name, $example, $pattern);
    };
}

macro_rules! crockford_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What the spelled id starts with, underscore left out.
            pub const PREFIX: &'static str = $prefix;

            /// The id of these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// A fresh id of this moment: a UUIDv7 over the given entropy.
            pub fn new(now: Timestamp, entropy: [u8; 10]) -> Self {
                Self(version_7(now, entropy))
            }

            /// The 16 bytes, as a store keeps them.
            pub const fn bytes(self) -> [u8; 16] {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_encoded(f, Self::PREFIX, self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or(InvalidId { expected: $prefix })
            }
        }

        as_text!(
            $name,
            concat!($prefix, "_01KF0FV2EEEHNV40B5XV4HWRT4"),
            concat!("^", $prefix, "_[0-9A-HJKMNP-TV-Z]{26}$")
        );
    };
}

crockford_id!(
    /// An account (`agt_`). Nobody but its owner ever sees it.
    AgentId, "agt"
);
crockford_id!(
    /// A message (`msg_`).
    MessageId, "msg"
);
crockford_id!(
    /// A pending one-time code flow (`pnd_`).
    PendingId, "pnd"
);
crockford_id!(
    /// An invitation into a group (`inv_`).
    InviteId, "inv"
);
crockford_id!(
    /// Something that was reported to the operator (`esc_`).
    EscalationId, "esc"
);
crockford_id!(
    /// An attachment (`att_`).
    AttachmentId, "att"
);
crockford_id!(
    /// A webhook (`whk_`).
    WebhookId, "whk"
);
crockford_id!(
    /// A call that a webhook is owed (`whd_`).
    WebhookDeliveryId, "whd"
);

/// Whether a conversation has two fixed parties or is a group; clients read it off the id's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConversationKind {
    /// Two agents, for ever (`conv_`).
    Direct,
    /// A group (`grp_`).
    Group,
}

impl ConversationKind {
    /// `conv` or `grp`.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Direct => "conv",
            Self::Group => "grp",
        }
    }

    /// The kind that a spelled id claims by its prefix, well-formed or not.
    pub fn of_id(text: &str) -> Option<Self> {
        [Self::Direct, Self::Group]
            .into_iter()
            .find(|kind| text.strip_prefix(kind.prefix()).is_some_and(|rest| rest.starts_with('_')))
    }
}

/// A conversation, direct (`conv_`) or group (`grp_`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId {
    /// Direct or group.
    pub kind: ConversationKind,
    /// The 16 bytes, as a store keeps them.
    pub bytes: [u8; 16],
}

impl ConversationId {
    /// A direct conversation's id of these 16 bytes.
    pub const fn direct(bytes: [u8; 16]) -> Self {
        Self { kind: ConversationKind::Direct, bytes }
    }

    /// A group's id of these 16 bytes.
    pub const fn group(bytes: [u8; 16]) -> Self {
        Self { kind: ConversationKind::Group, bytes }
    }

    /// The id of these 16 bytes.
    pub const fn from_bytes(kind: ConversationKind, bytes: [u8; 16]) -> Self {
        Self { kind, bytes }
    }

    /// A fresh id of this moment: a UUIDv7 over the given entropy.
    pub fn new(kind: ConversationKind, now: Timestamp, entropy: [u8; 10]) -> Self {
        Self { kind, bytes: version_7(now, entropy) }
    }

    /// An id that no conversation ever has: what a malformed id with a right prefix stands for, so that it is
    /// answered like any other unknown one.
    pub const fn nowhere(kind: ConversationKind) -> Self {
        Self { kind, bytes: [0; 16] }
    }

    /// The 16 bytes, as a store keeps them.
    pub const fn bytes(self) -> [u8; 16] {
        self.bytes
    }

    /// Whether this is a group's id.
    pub const fn is_group(self) -> bool {
        matches!(self.kind, ConversationKind::Group)
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_encoded(f, self.kind.prefix(), self.bytes)
    }
}

impl FromStr for ConversationId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { expected: "conversation" };
        let kind = ConversationKind::of_id(text).ok_or(invalid)?;
        let bytes = decode(&text[kind.prefix().len() + 1..]).ok_or(invalid)?;
        Ok(Self { kind, bytes })
    }
}

as_text!(ConversationId, "conv_01KF0FV2ENFV1T8ZEF0PGKKP4N", "^(conv|grp)_[0-9A-HJKMNP-TV-Z]{26}$");

/// One recipient's copy of a message in the sync order: `del_` and 32 lowercase hex digits.
///
/// Opaque to clients. [`crate::delivery::DeliveryKey`] makes it and reads the position back out of it; the
/// order of two ids says nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId([u8; 16]);

impl DeliveryId {
    /// The id of these 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut out = *b"del_00000000000000000000000000000000";
        for (pair, byte) in out[4..].chunks_exact_mut(2).zip(self.0) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&out).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for DeliveryId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let lowercase_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        text.strip_prefix("del_")
            .filter(|hex| hex.len() == 32 && hex.bytes().all(lowercase_hex))
            .and_then(|hex| u128::from_str_radix(hex, 16).ok())
            .map(|value| Self(value.to_be_bytes()))
            .ok_or(InvalidId { expected: "del" })
    }
}

as_text!(DeliveryId, "del_019bc0fd89c375e3890289e2955dfaec", "^del_[0-9a-f]{32}$");
