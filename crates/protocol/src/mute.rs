//! Mutes as the wire shows them.

use serde::{Deserialize, Serialize};

use crate::handle::Handle;
use crate::id::AgentId;
use crate::spelled::open_enum;
use crate::timestamp::Timestamp;
use crate::validate::{FieldErrors, Object, REQUIRED};

open_enum! {
    /// What is muted.
    MuteKind {
        /// An agent, in direct conversations and in groups.
        Agent = "agent",
        /// A conversation.
        Conversation = "conversation",
    }
}

/// What an agent does not want to be disturbed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mute {
    /// Whose mute it is: the caller's own id.
    pub muter_agent_id: AgentId,
    /// What is muted.
    pub target_kind: MuteKind,
    /// The agent's handle, or the conversation's id.
    pub target_id: String,
    /// The agent's handle; null for a conversation.
    pub target_handle: Option<Handle>,
    /// Until when; null: without end.
    pub muted_until: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
}

/// What an agent has muted, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MuteList {
    /// The mutes that are in force.
    pub mutes: Vec<Mute>,
}

/// Whom or what to mute, as written; it need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewMuteTarget {
    /// A handle.
    Agent(String),
    /// An id.
    Conversation(String),
}

/// A mute that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMute {
    /// Whom or what.
    pub target: NewMuteTarget,
    /// Until when; None: without end.
    pub muted_until: Option<Timestamp>,
}

impl NewMute {
    /// Reads `{target_kind, target_handle?, target_id?, muted_until?}`; an end must be after `now`.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Self, FieldErrors> {
        let body = Object::parse(body)?;
        let mut errors = FieldErrors::default();
        let target = target(&body, &mut errors);
        let muted_until = body.opt_time("muted_until", &mut errors);
        if muted_until.is_some_and(|until| until <= now) {
            body.reject("muted_until", "Must be in the future", &mut errors);
        }
        errors.into_result()?;
        let target = target.ok_or_else(|| FieldErrors::of_field("target_kind", REQUIRED))?;
        Ok(Self { target, muted_until })
    }
}

fn target(body: &Object, errors: &mut FieldErrors) -> Option<NewMuteTarget> {
    let (id, handle) = (body.opt_str("target_id", errors), body.opt_str("target_handle", errors));
    match MuteKind::known(body.req_str("target_kind", errors)?) {
        Some(MuteKind::Agent) => named(body, "target_handle", handle.or(id), errors).map(NewMuteTarget::Agent),
        Some(MuteKind::Conversation) => named(body, "target_id", id, errors).map(NewMuteTarget::Conversation),
        _ => {
            body.reject("target_kind", "Expected agent or conversation", errors);
            None
        }
    }
}

fn named(body: &Object, field: &str, given: Option<&str>, errors: &mut FieldErrors) -> Option<String> {
    // Of a wrong type: that was complained about already.
    if given.is_none() && !errors.fields.contains_key(field) {
        body.reject(field, REQUIRED, errors);
    }
    given.map(str::to_owned)
}
