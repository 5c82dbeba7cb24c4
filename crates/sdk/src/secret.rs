//! Secrets: no `Display`, no `Serialize`, no `PartialEq`; zeroed when dropped.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// An agent's API key.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Takes a key. White space around it is removed; what is left must be printable ASCII. The empty key means no
    /// authentication.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind) with a text that holds no part of the key.
    pub fn parse(text: impl Into<String>) -> Result<Self> {
        let text = Zeroizing::new(text.into());
        let trimmed = text.trim_matches(|character: char| character.is_ascii_whitespace());
        if trimmed.bytes().all(|byte| (0x21..=0x7E).contains(&byte)) {
            Ok(Self(Zeroizing::new(trimmed.to_owned())))
        } else {
            Err(Error::invalid_input("api_key", "the API key has characters that cannot be sent in a header"))
        }
    }

    /// The key itself. Keep it out of logs.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the other text is this key, in constant time for texts of equal length.
    pub fn matches(&self, other: &str) -> bool {
        let (own, other) = (self.0.as_bytes(), other.as_bytes());
        let differing = own.iter().zip(other).fold(0, |bits, (left, right)| bits | (left ^ right));
        own.len() == other.len() && std::hint::black_box(differing) == 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// A one-time code from a mail.
#[derive(Clone)]
pub struct OtpCode(Zeroizing<String>);

impl OtpCode {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for OtpCode {
    fn from(code: &str) -> Self {
        Self(Zeroizing::new(code.trim().to_owned()))
    }
}

impl From<String> for OtpCode {
    fn from(code: String) -> Self {
        let code = Zeroizing::new(code);
        code.as_str().into()
    }
}

impl From<&String> for OtpCode {
    fn from(code: &String) -> Self {
        code.as_str().into()
    }
}

impl fmt::Debug for OtpCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d18_a_white_space_around_a_key_is_removed() {
        assert_eq!(
            ApiKey::parse("  ac_live_SECRET\n").map(|key| key.expose().to_owned()).ok().as_deref(),
            Some("ac_live_SECRET")
        );
    }

    #[test]
    fn d18_b_a_key_that_cannot_be_sent_is_refused_without_showing_it() {
        for bad in ["ac_live_SECRET\nX", "ac_live_SECRET\0", "ac_live SECRET", "ac_live_SECRETü"] {
            let error = ApiKey::parse(bad).err();
            let text = error.map(|error| format!("{error} {error:?}")).unwrap_or_default();
            assert!(!text.is_empty() && !text.contains("SECRET"), "{text}");
        }
    }

    #[test]
    fn d18_c_a_key_does_not_print_itself() {
        let key = ApiKey::parse("ac_live_SECRET").map(|key| format!("{key:?}")).unwrap_or_default();
        assert_eq!(key, "***");
    }

    #[test]
    fn keys_are_compared_whole() {
        let key = ApiKey::parse("abc").unwrap_or_else(|error| unreachable!("{error}"));
        assert!(key.matches("abc") && !key.matches("abd") && !key.matches("ab") && !key.matches("abcd"));
    }
}
