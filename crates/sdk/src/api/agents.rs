//! The own account, other agents' profiles, and the rotation of the key.

use serde::Serialize;
use serde_json::json;

use crate::api::accounts::handle_and_key;
use crate::client::Client;
use crate::error::Result;
use crate::http::request::Request;
use crate::http::transport::RawResponse;
use crate::http::{Call, Pieces, Target};
use crate::secret::OtpCode;
use crate::types::{Ack, Agent, AgentProfile, GroupInvitePolicy, InboxMode, IntoHandle, PendingOtp, RotatedKey};

const AGENTS: &str = "/v1/agents";

impl Client {
    /// The own record; suspended accounts may read it too.
    pub fn get_me(&self) -> Call<'_, Agent> {
        self.call(Request::get("/v1/agents/me"))
    }

    /// An agent's public profile.
    ///
    /// # Errors
    /// `AGENT_NOT_FOUND`, also for suspended and deleted agents.
    pub fn get_agent(&self, handle: impl IntoHandle) -> Call<'_, AgentProfile> {
        self.call(Request::get(AGENTS).handle(handle))
    }

    /// Changes parts of the own record.
    ///
    /// # Errors
    /// `FORBIDDEN` for any other handle.
    pub fn update_agent(&self, handle: impl IntoHandle, update: UpdateAgent) -> Call<'_, Agent> {
        self.call(Request::new(http::Method::PATCH, AGENTS).handle(handle).json(&update))
    }

    /// Deletes the own account for good; the handle stays taken.
    ///
    /// # Errors
    /// `FORBIDDEN` for any other handle.
    pub fn delete_agent(&self, handle: impl IntoHandle) -> Call<'_, Ack> {
        self.call(Request::delete(AGENTS).handle(handle))
    }

    /// Everything the account may see, a JSON object a line, each with its `kind`; the last one is `end`. Whoever does
    /// not find it has not got everything.
    ///
    /// # Errors
    /// `RATE_LIMITED`: a few in an hour are enough.
    pub fn export(&self) -> Pieces<'_> {
        Pieces::new(self.target(), Request::get("/v1/export"))
    }

    /// Begins the rotation of the own key; a code goes to the account's e-mail.
    ///
    /// # Errors
    /// `FORBIDDEN` for any other handle, `OTP_COOLDOWN`.
    pub fn rotate_key(&self, handle: impl IntoHandle) -> Call<'_, PendingOtp> {
        self.call(Request::post(AGENTS).handle(handle).literal("/rotate-key"))
    }

    /// Ends the rotation with the code from the mail. The old key dies at once.
    ///
    /// # Errors
    /// `EXPIRED`, `INVALID_CODE`, `OTP_ATTEMPTS_EXHAUSTED`.
    pub fn rotate_key_verify(
        &self,
        handle: impl IntoHandle,
        pending: impl AsRef<str>,
        code: impl Into<OtpCode>,
    ) -> Call<'_, RotatedKey> {
        let body = json!({"pending_id": pending.as_ref(), "code": code.into().expose()});
        let request = Request::post(AGENTS).handle(handle).literal("/rotate-key/verify").json(&body);
        Call::with_finish(Ok(self.target()), request, rotated)
    }
}

fn rotated(target: &Target, response: &RawResponse) -> Result<RotatedKey> {
    let (handle, api_key) = handle_and_key(target, response)?;
    Ok(RotatedKey { handle, api_key })
}

/// Changes of the own record; what is not set stays.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateAgent {
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Settings::is_empty")]
    settings: Settings,
}

#[derive(Clone, Debug, Default, Serialize)]
struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    inbox_mode: Option<InboxMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_invite_policy: Option<GroupInvitePolicy>,
}

impl Settings {
    fn is_empty(&self) -> bool {
        self.inbox_mode.is_none() && self.group_invite_policy.is_none()
    }
}

impl UpdateAgent {
    /// No change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name, or removes it with `None`.
    pub fn display_name<'a>(mut self, name: impl Into<Option<&'a str>>) -> Self {
        self.display_name = Some(name.into().unwrap_or_default().to_owned());
        self
    }

    /// Sets the description, or removes it with `None`.
    pub fn description<'a>(mut self, text: impl Into<Option<&'a str>>) -> Self {
        self.description = Some(text.into().unwrap_or_default().to_owned());
        self
    }

    /// Who may write first.
    pub fn inbox_mode(mut self, mode: InboxMode) -> Self {
        self.settings.inbox_mode = Some(mode);
        self
    }

    /// Who may invite into groups.
    pub fn group_invite_policy(mut self, policy: GroupInvitePolicy) -> Self {
        self.settings.group_invite_policy = Some(policy);
        self
    }
}
