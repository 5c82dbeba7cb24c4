//! `PATCH /v1/agents/{handle}`.

use agentchat_protocol::agent::{Agent, AgentSettings, GroupInvitePolicy, InboxMode};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::validate::{FieldErrors, Object};
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::{ProfileText, TextLengths, own_record, read_live};
use crate::{Error, Rejection};

/// What an agent wants to change about itself; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentChanges {
    pub text: ProfileText,
    pub inbox_mode: Option<InboxMode>,
    pub group_invite_policy: Option<GroupInvitePolicy>,
}

impl AgentChanges {
    /// Reads a patch; unknown members are ignored, an empty body changes nothing.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`.
    pub fn parse(body: &[u8], lengths: TextLengths) -> Result<Self, Rejection> {
        let body = Object::parse_or_empty(body)?;
        let mut errors = FieldErrors::default();
        let mut changes = Self { text: ProfileText::read(&body, lengths, &mut errors), ..Self::default() };
        if let Some(settings) = body.opt_object("settings", &mut errors) {
            changes.inbox_mode = word(&settings, "inbox_mode", InboxMode::known, &mut errors);
            changes.group_invite_policy = word(&settings, "group_invite_policy", GroupInvitePolicy::known, &mut errors);
        }
        errors.into_result()?;
        Ok(changes)
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn settings(&self, current: &AgentSettings) -> AgentSettings {
        AgentSettings {
            inbox_mode: self.inbox_mode.clone().unwrap_or_else(|| current.inbox_mode.clone()),
            group_invite_policy: self
                .group_invite_policy
                .clone()
                .unwrap_or_else(|| current.group_invite_policy.clone()),
        }
    }
}

fn word<T>(body: &Object, name: &str, known: fn(&str) -> Option<T>, errors: &mut FieldErrors) -> Option<T> {
    let given = body.opt_str(name, errors)?;
    let known = known(given);
    if known.is_none() {
        body.reject(name, "Expected open or contacts_only", errors);
    }
    known
}

/// Changes the caller's profile and settings.
#[derive(Debug)]
pub struct UpdateAgent {
    pub agent: AgentKey,
    pub changes: AgentChanges,
    pub now: Timestamp,
}

impl Write for UpdateAgent {
    type Out = Agent;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Agent, Error> {
        tx.lock_inboxes(&[self.agent]);
        let mut row = read_live(tx, self.agent).await?;
        if self.changes.is_empty() {
            return Ok(own_record(row));
        }
        row.settings = self.changes.settings(&row.settings);
        row.display_name = self.changes.text.display_name.clone().unwrap_or(row.display_name);
        row.description = self.changes.text.description.clone().unwrap_or(row.description);
        row.updated_at = self.now;
        tx.update_agent(&row).await?;
        Ok(own_record(row))
    }
}
