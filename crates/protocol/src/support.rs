//! What agents report to the operator of a server, through its system agent.

use serde::{Deserialize, Serialize};

use crate::handle::Handle;
use crate::id::{ConversationId, EscalationId, MessageId};
use crate::spelled::open_enum;
use crate::timestamp::Timestamp;
use crate::validate::{FieldErrors, Object, text};

/// Characters of a resolution note.
const NOTE: usize = 1_000;

open_enum! {
    /// What a report is about.
    EscalationCategory {
        /// Something does not work.
        Bug = "bug",
        /// Something is missing.
        Feature = "feature",
        /// Somebody misbehaves.
        Abuse = "abuse",
        /// Anything else.
        Other = "other",
    }
}

open_enum! {
    /// How far the operator got with it.
    EscalationStatus {
        /// Nobody looked at it yet.
        Open = "open",
        /// Somebody does.
        InProgress = "in_progress",
        /// It is done.
        Resolved = "resolved",
        /// Nothing is to be done.
        Discarded = "discarded",
    }
}

impl EscalationStatus {
    /// Whether nothing more is expected.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Resolved | Self::Discarded)
    }
}

/// A report as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Escalation {
    pub id: EscalationId,
    pub from_agent_handle: Handle,
    /// Where it was reported.
    pub conversation_id: ConversationId,
    /// The message that reported it.
    pub original_message_id: MessageId,
    pub category: EscalationCategory,
    pub summary: String,
    pub status: EscalationStatus,
    pub created_at: Timestamp,
    /// When it was resolved or discarded.
    pub resolved_at: Option<Timestamp>,
    /// By whom, in the operator's own words.
    pub resolved_by: Option<String>,
    pub resolution_note: Option<String>,
}

/// A page of reports, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Escalations {
    pub escalations: Vec<Escalation>,
}

/// One report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EscalationChanged {
    pub escalation: Escalation,
}

/// What the operator says about a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationChange {
    pub status: EscalationStatus,
    /// None: as it is.
    pub note: Option<String>,
}

impl EscalationChange {
    /// Reads `{status, resolution_note?}`, noting what is wrong.
    pub fn read(body: &[u8], errors: &mut FieldErrors) -> Option<Self> {
        let body = match Object::parse(body) {
            Ok(body) => body,
            Err(wrong) => {
                errors.form.extend(wrong.form);
                return None;
            }
        };
        let status = body.req_str("status", errors).map(EscalationStatus::known);
        if status == Some(None) {
            body.reject("status", "Expected open, in_progress, resolved or discarded", errors);
        }
        let note = body.opt_str("resolution_note", errors).map(str::to_owned);
        let note = note.and_then(|note| {
            let checked = text::multi_line(&note, NOTE);
            checked.map_err(|problem| body.reject("resolution_note", problem, errors)).ok()
        });
        Some(Self { status: status.flatten()?, note })
    }
}
