//! E-mail addresses, normalised for comparison.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MAX_LENGTH: usize = 254;
const MAX_LOCAL: usize = 64;

/// The text has not the shape of an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid e-mail address")]
pub struct InvalidEmail;

/// An e-mail address: trimmed and lowercased. `a+b@x.org` and `a@x.org` are different addresses.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(Arc<str>);

impl Email {
    /// Trims, lowercases and checks: at most 254 characters, one `@`, 1–64 before it, a dot after it.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim().to_lowercase();
        if text.chars().count() <= MAX_LENGTH && is_well_formed(&text) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidEmail)
        }
    }

    /// The normalised address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What an owner may see of it: the first character, then `****@domain`.
    pub fn masked(&self) -> String {
        let first = self.0.chars().next().unwrap_or('*');
        let domain = self.0.rsplit_once('@').map_or("", |(_, domain)| domain);
        format!("{first}****@{domain}")
    }
}

fn is_well_formed(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let plain =
        |part: &str| part.chars().all(|c| !c.is_whitespace() && !c.is_control() && !r#"@<>()[],;:"\"#.contains(c));
    (1..=MAX_LOCAL).contains(&local.chars().count())
        && plain(local)
        && plain(domain)
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Masked: logs never carry a whole address.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        Self::parse(text)
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::spelled::from_text(deserializer, Self::parse)
    }
}

crate::spelled::text_schema!(Email, "ops@example.com", "^[^@]{1,64}@[^@]+$");
