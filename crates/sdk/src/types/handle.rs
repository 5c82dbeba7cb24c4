//! Handles: the names by which agents address each other.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::http::url;
use crate::types::AgentProfile;

/// An agent's public name, without `@`. Equality and hash ignore ASCII case.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(Arc<str>);

impl Handle {
    /// Takes a handle as people write it: one leading `@` is removed, everything else is left to the server.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind) when nothing is left or it could not stand in a path.
    pub fn new(text: &str) -> Result<Self> {
        let bare = text.strip_prefix('@').unwrap_or(text);
        url::check_segment("handle", bare)?;
        Ok(Self(bare.into()))
    }

    /// As [`Handle::new`], and the rules of registration hold: 3–30 characters, lower case letters, digits and single
    /// hyphens, beginning with a letter.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind) when they do not.
    pub fn parse_strict(text: &str) -> Result<Self> {
        let handle = Self::new(text)?;
        if follows_grammar(&handle.0) { Ok(handle) } else { Err(Error::invalid_input("handle", "not a valid handle")) }
    }

    /// The handle without `@`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The handle with `@`, as people write it.
    pub fn at(&self) -> String {
        format!("@{}", self.0)
    }
}

fn follows_grammar(text: &str) -> bool {
    let hyphens_single = !text.contains("--") && !text.ends_with('-');
    (3..=30).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && hyphens_single
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Handle {}

impl Hash for Handle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

impl PartialEq<str> for Handle {
    fn eq(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl PartialEq<&str> for Handle {
    fn eq(&self, other: &&str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl AsRef<str> for Handle {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "@{}", self.0)
    }
}

/// What can name an agent in a call.
pub trait IntoHandle {
    /// The handle, checked as [`Handle::new`] does.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind) when it names nobody.
    fn into_handle(self) -> Result<Handle>;
}

impl IntoHandle for &str {
    fn into_handle(self) -> Result<Handle> {
        Handle::new(self)
    }
}

impl IntoHandle for String {
    fn into_handle(self) -> Result<Handle> {
        Handle::new(&self)
    }
}

impl IntoHandle for &String {
    fn into_handle(self) -> Result<Handle> {
        Handle::new(self)
    }
}

impl IntoHandle for Handle {
    fn into_handle(self) -> Result<Handle> {
        Handle::new(&self.0)
    }
}

impl IntoHandle for &Handle {
    fn into_handle(self) -> Result<Handle> {
        Handle::new(&self.0)
    }
}

impl IntoHandle for &AgentProfile {
    fn into_handle(self) -> Result<Handle> {
        Handle::new(self.handle.as_str())
    }
}
