//! Presence as the wire shows it.

use serde::{Deserialize, Serialize};

use crate::handle::Handle;
use crate::spelled::open_enum;
use crate::timestamp::Timestamp;
use crate::validate::{FieldErrors, Object, text};

/// The longest `custom_message`, in characters.
pub const MAX_MESSAGE: usize = 200;

open_enum! {
    /// Whether an agent is there.
    PresenceStatus {
        /// It is.
        Online = "online",
        /// It is not.
        Offline = "offline",
        /// It is, and does not want to be disturbed.
        Busy = "busy",
    }
}

/// An agent's presence, as somebody sees it who may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Presence {
    /// Whose.
    pub handle: Handle,
    /// Whether it is there.
    pub status: PresenceStatus,
    /// What it says about that.
    pub custom_message: Option<String>,
    /// When it was last heard of.
    pub last_seen: Option<Timestamp>,
}

/// A contact's visible presence changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PresenceChanged {
    /// Whose.
    pub handle: Handle,
    /// Whether it is there.
    pub status: PresenceStatus,
    /// What it says about that.
    pub custom_message: Option<String>,
}

/// The body of `PUT /v1/presence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceRequest {
    /// Never an unknown word.
    pub status: PresenceStatus,
    /// None when it is left out or empty.
    pub custom_message: Option<String>,
}

impl PresenceRequest {
    /// Reads a body; `custom_status` is another name of `custom_message`.
    pub fn parse(body: &[u8]) -> Result<Self, FieldErrors> {
        let body = Object::parse(body)?;
        let mut errors = FieldErrors::default();
        let status = body.req_str("status", &mut errors).map(|word| known(word, &mut errors));
        let message = body.opt_str("custom_message", &mut errors).map(|text| ("custom_message", text));
        let message = message.or(body.opt_str("custom_status", &mut errors).map(|text| ("custom_status", text)));
        let custom_message = message.and_then(|(name, text)| spoken(name, text, &mut errors));
        errors.into_result()?;
        let status = status.flatten().unwrap_or(PresenceStatus::Offline);
        Ok(Self { status, custom_message })
    }

    /// Judges what a `presence.update` frame says.
    pub fn of(status: &str, message: Option<&str>) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let status = known(status, &mut errors).unwrap_or(PresenceStatus::Offline);
        let custom_message = message.and_then(|text| spoken("custom_message", text, &mut errors));
        errors.into_result().map(|()| Self { status, custom_message })
    }
}

fn known(word: &str, errors: &mut FieldErrors) -> Option<PresenceStatus> {
    let status = PresenceStatus::known(word);
    if status.is_none() {
        errors.field("status", "Expected online, offline or busy");
    }
    status
}

fn spoken(name: &str, message: &str, errors: &mut FieldErrors) -> Option<String> {
    match text::single_line(message, MAX_MESSAGE) {
        Ok(message) => Some(message).filter(|message| !message.is_empty()),
        Err(problem) => {
            errors.field(name, problem);
            None
        }
    }
}

/// Reads the body of `POST /v1/presence/batch`: the handles as they are answered, without `@`, in lower case, each once.
/// They need not be well-formed.
pub fn parse_batch(body: &[u8], most: usize) -> Result<Vec<String>, FieldErrors> {
    let body = Object::parse(body)?;
    let mut errors = FieldErrors::default();
    let listed = body.req_strs("handles", &mut errors).unwrap_or_default();
    if errors.is_empty() && !(1..=most).contains(&listed.len()) {
        errors.field("handles", format!("Expected 1 to {most} handles"));
    }
    errors.into_result()?;
    let mut handles: Vec<String> = Vec::with_capacity(listed.len());
    for text in listed {
        let handle = text.strip_prefix('@').unwrap_or(&text).to_ascii_lowercase();
        if !handles.contains(&handle) {
            handles.push(handle);
        }
    }
    Ok(handles)
}

/// One answer of a batch: as [`Presence`], but for whatever was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListedPresence {
    /// Whose, without `@`, in lower case; it may belong to nobody.
    pub handle: String,
    /// Offline for whom the caller may not see.
    pub status: PresenceStatus,
    /// What it says about that.
    pub custom_message: Option<String>,
    /// When it was last heard of.
    pub last_seen: Option<Timestamp>,
}

impl ListedPresence {
    /// Of nobody the caller may see.
    pub fn unseen(handle: String) -> Self {
        Self { handle, status: PresenceStatus::Offline, custom_message: None, last_seen: None }
    }
}

impl From<Presence> for ListedPresence {
    fn from(presence: Presence) -> Self {
        let Presence { handle, status, custom_message, last_seen } = presence;
        Self { handle: handle.as_str().to_owned(), status, custom_message, last_seen }
    }
}

/// The answer of a batch, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PresenceList {
    /// One for each handle.
    pub presences: Vec<ListedPresence>,
}

/// The answer of `PUT /v1/presence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PresenceSet {
    /// What is shown of the agent from now on.
    #[serde(flatten)]
    pub presence: Presence,
    /// Always true.
    pub ok: bool,
}
