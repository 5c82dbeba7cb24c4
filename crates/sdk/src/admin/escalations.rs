//! What agents reported to the operator, and keys of system agents.

use serde_json::json;

use super::Admin;
use crate::api::accounts;
use crate::error::Result;
use crate::http::request::{Request, Target};
use crate::http::{Call, RawResponse};
use crate::types::{Handle, IntoHandle, RotatedKey, Timestamp};

const ESCALATIONS: &str = "/admin/support-escalations";

impl Admin {
    /// What was reported, newest first: what waits for somebody, unless a status is asked for.
    pub fn list_escalations(&self) -> Call<'_, EscalationPage> {
        self.client.call(Request::get(ESCALATIONS).parameters(&["status", "limit", "before"]))
    }

    /// Moves a report to `open`, `in_progress`, `resolved` or `discarded`; `operator` says who does it.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`, `NOT_FOUND`.
    pub fn change_escalation(
        &self,
        id: &str,
        operator: &str,
        status: &str,
        note: Option<&str>,
    ) -> Call<'_, EscalationChanged> {
        let body = json!({ "status": status, "resolution_note": note });
        let mut request = Request::new(http::Method::PATCH, ESCALATIONS).segment("id", id).json(&body);
        request.set_header("x-ops-operator", operator);
        self.client.call(request)
    }

    /// Gives a system agent another key; the one before is dead.
    ///
    /// # Errors
    /// `NOT_A_SYSTEM_AGENT`, `RATE_LIMITED`.
    pub fn rotate_system_agent_key(&self, handle: impl IntoHandle) -> Call<'_, RotatedKey> {
        let handle = handle.into_handle();
        let body = json!({ "handle": handle.as_ref().ok().map(Handle::as_str) });
        let mut request = Request::post("/admin/rotate-system-agent-key").json(&body);
        if let Err(error) = handle {
            request.refuse(error);
        }
        Call::with_finish(Ok(self.client.target()), request, rotated)
    }
}

impl Call<'_, EscalationPage> {
    /// `live`, `open`, `in_progress`, `resolved`, `discarded` or `all`.
    pub fn status(self, status: &str) -> Self {
        self.query("status", status)
    }

    /// At most so many, up to 200.
    pub fn limit(self, limit: u32) -> Self {
        self.query("limit", limit)
    }

    /// Only what was reported before a time.
    pub fn before(self, before: &Timestamp) -> Self {
        self.query("before", before)
    }
}

wire_struct! {
    /// A page of reports.
    pub struct EscalationPage {
        /// The reports, newest first.
        optional escalations: Vec<Escalation>,
    }
}

wire_struct! {
    /// A report after it was changed.
    pub struct EscalationChanged {
        /// The report.
        required escalation: Escalation,
    }
}

wire_struct! {
    /// Something that an agent reported.
    pub struct Escalation {
        /// Its id.
        required id: String,
        /// Who reported it.
        required from_agent_handle: Handle,
        /// Where.
        optional conversation_id: String,
        /// By which message.
        optional original_message_id: String,
        /// `bug`, `feature`, `abuse` or `other`.
        required category: String,
        /// What was said.
        required summary: String,
        /// `open`, `in_progress`, `resolved` or `discarded`.
        required status: String,
        /// When.
        required created_at: Timestamp,
        /// When it was resolved or discarded.
        optional resolved_at: Option<Timestamp>,
        /// By whom.
        optional resolved_by: Option<String>,
        /// What the operator said about it.
        optional resolution_note: Option<String>,
    }
}

fn rotated(target: &Target, response: &RawResponse) -> Result<RotatedKey> {
    let (handle, api_key) = accounts::handle_and_key(target, response)?;
    Ok(RotatedKey { handle, api_key })
}
