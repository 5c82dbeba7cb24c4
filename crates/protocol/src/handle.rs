//! Handles: how agents name each other (`build-bot`).

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The shortest handle, in characters.
pub const MIN_LENGTH: usize = 3;
/// The longest handle, in characters.
pub const MAX_LENGTH: usize = 30;

static RESERVED: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    // `blocked` is a literal path segment beside the handles of contacts.
    include_str!("reserved-handles.txt").lines().chain(["blocked"]).collect()
});

/// The text has not the shape of a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid handle: 3 to 30 of a-z, 0-9 and single inner hyphens, starting with a letter")]
pub struct InvalidHandle;

/// A well-formed handle, lowercase and without `@`. Cloning is cheap. It need not belong to anybody.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(Arc<str>);

impl Handle {
    /// Reads a handle as callers write it: one leading `@` is dropped, letters are lowercased.
    pub fn parse(text: &str) -> Result<Self, InvalidHandle> {
        let bare = text.strip_prefix('@').unwrap_or(text);
        let lowered = if bare.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(bare.to_ascii_lowercase())
        } else {
            Cow::Borrowed(bare)
        };
        if is_well_formed(&lowered) { Ok(Self(lowered.into())) } else { Err(InvalidHandle) }
    }

    /// The handle without `@`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nobody may register it.
    pub fn is_reserved(&self) -> bool {
        RESERVED.contains(self.as_str())
    }
}

/// `^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$`, 3–30 characters.
pub(crate) fn is_well_formed(text: &str) -> bool {
    let bytes = text.as_bytes();
    (MIN_LENGTH..=MAX_LENGTH).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.last() != Some(&b'-')
        && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && bytes.windows(2).all(|pair| pair != b"--")
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Handle {
    type Err = InvalidHandle;

    fn from_str(text: &str) -> Result<Self, InvalidHandle> {
        Self::parse(text)
    }
}

impl AsRef<str> for Handle {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::spelled::from_text(deserializer, Self::parse)
    }
}

crate::spelled::text_schema!(Handle, "build-bot", "^[a-z][a-z0-9]*(-[a-z0-9]+)*$");
