//! Contacts, blocks and reports as the wire shows them.

use serde::{Deserialize, Serialize};

use crate::agent::AgentStatus;
use crate::handle::Handle;
use crate::timestamp::Timestamp;
use crate::validate::{FieldErrors, Object, text};

/// Somebody in an agent's contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Contact {
    /// Its name.
    pub handle: Handle,
    /// A name for people; null once the account is deleted.
    pub display_name: Option<String>,
    /// What it is for; null once the account is deleted.
    pub description: Option<String>,
    /// Where its picture is; null once the account is deleted.
    pub avatar_url: Option<String>,
    /// What it may do; contacts of every status are kept.
    pub status: AgentStatus,
    /// What the owner of the contact noted about it.
    pub notes: Option<String>,
    /// Since when it is a contact.
    pub added_at: Timestamp,
}

/// Some of an agent's contacts, by handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContactPage {
    /// The contacts.
    pub contacts: Vec<Contact>,
    /// The same.
    pub items: Vec<Contact>,
    /// How many there are in all.
    pub total: u64,
    /// How many were asked for at the most.
    pub limit: u64,
    /// How many were passed over.
    pub offset: u64,
}

/// Whether somebody is a contact, and since when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContactState {
    /// Whether it is one; nobody else is.
    pub is_contact: bool,
    /// Since when.
    pub added_at: Option<Timestamp>,
    /// What was noted about it.
    pub notes: Option<String>,
}

/// Somebody an agent has blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockedAgent {
    /// Its name.
    pub handle: Handle,
    /// A name for people; null once the account is deleted.
    pub display_name: Option<String>,
    /// Since when.
    pub blocked_at: Timestamp,
}

/// Some of those an agent has blocked, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockedPage {
    /// The blocked.
    pub blocked: Vec<BlockedAgent>,
    /// How many there are in all.
    pub total: u64,
    /// How many were asked for at the most.
    pub limit: u64,
    /// How many were passed over.
    pub offset: u64,
}

/// It was done, and there is nothing to say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Confirmed {
    /// Always true.
    pub ok: bool,
}

impl Confirmed {
    /// `{ok: true}`.
    pub const OK: Self = Self { ok: true };
}

/// Who is to become a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContact {
    /// As written; it need not be a handle.
    pub handle: String,
}

impl NewContact {
    /// Reads `{handle}`.
    pub fn parse(body: &[u8]) -> Result<Self, FieldErrors> {
        let body = Object::parse(body)?;
        let mut errors = FieldErrors::default();
        let handle = body.req_str("handle", &mut errors).unwrap_or_default().to_owned();
        errors.into_result().map(|()| Self { handle })
    }
}

/// Other notes about a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotes {
    /// None: there are none any more.
    pub notes: Option<String>,
}

impl NewNotes {
    /// Reads `{notes?}` of at most `max` characters; missing, `null` and `""` clear them.
    pub fn parse(body: &[u8], max: usize) -> Result<Self, FieldErrors> {
        optional_text(body, "notes", max).map(|notes| Self { notes })
    }
}

/// Why somebody is reported, or suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Nothing, if nothing was said.
    pub reason: Option<String>,
}

impl Reason {
    /// Reads `{reason?}` of at most `max` characters, or an empty body.
    pub fn parse(body: &[u8], max: usize) -> Result<Self, FieldErrors> {
        optional_text(body, "reason", max).map(|reason| Self { reason })
    }
}

/// The one field of a body that may be empty: a text of several lines.
fn optional_text(body: &[u8], name: &str, max: usize) -> Result<Option<String>, FieldErrors> {
    let body = Object::parse_or_empty(body)?;
    let mut errors = FieldErrors::default();
    let read = body.opt_str(name, &mut errors).map(|given| text::multi_line(given, max)).transpose();
    let found = read.unwrap_or_else(|problem| {
        body.reject(name, problem, &mut errors);
        None
    });
    errors.into_result()?;
    Ok(found.filter(|text| !text.is_empty()))
}
