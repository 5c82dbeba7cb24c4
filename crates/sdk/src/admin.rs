//! The operator's endpoints, authenticated by the operator's token.
//!
//! ```no_run
//! # async fn example() -> agentchat::Result<()> {
//! let admin = agentchat::admin::Admin::new("http://127.0.0.1:8080", "the operator's token of at least 32 characters")?;
//! let created = admin.create_agent("build-bot", "ops@example.com", None).await?;
//! # Ok(())
//! # }
//! ```

mod escalations;

use serde::Serialize;
use serde_json::json;

pub use self::escalations::{Escalation, EscalationChanged, EscalationPage};
use crate::api::accounts;
use crate::api::raw::RawCall;
use crate::client::{Client, ClientBuilder};
use crate::error::Result;
use crate::http::request::Request;
use crate::http::{Call, Pieces};
use crate::types::{Agent, Handle, IntoHandle, RawJson, Registered};

const AGENTS: &str = "/admin/agents";

/// Makes the operator's calls.
#[derive(Clone, Debug)]
pub struct Admin {
    client: Client,
}

impl Admin {
    /// A client for a server and the operator's token.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind) when the URL or the token cannot be sent.
    pub fn new(base_url: impl Into<String>, token: impl Into<String>) -> Result<Self> {
        Self::with(Client::builder().base_url(base_url).api_key(token))
    }

    /// A client with other settings; the key of the builder is the operator's token.
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn with(builder: ClientBuilder) -> Result<Self> {
        Ok(Self { client: builder.build()? })
    }

    /// Creates an account without mail: the account and its key.
    ///
    /// # Errors
    /// Those of registration.
    pub fn create_agent(
        &self,
        handle: impl IntoHandle,
        email: &str,
        display_name: Option<&str>,
    ) -> Call<'_, Registered> {
        #[derive(Serialize)]
        struct NewAgent<'a> {
            handle: Option<&'a str>,
            email: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            display_name: Option<&'a str>,
        }
        let handle = handle.into_handle();
        let name = handle.as_ref().ok().map(Handle::as_str);
        let mut request = Request::post(AGENTS).json(&NewAgent { handle: name, email, display_name });
        if let Err(error) = &handle {
            request.refuse(error.clone());
        }
        Call::with_finish(Ok(self.client.target()), request, accounts::registered)
    }

    /// Accounts, by handle.
    pub fn list_agents(&self) -> Call<'_, AgentPage> {
        self.client.call(Request::get(AGENTS).parameters(&["q", "status", "limit", "offset"]))
    }

    /// One account with the operator's view of it.
    ///
    /// # Errors
    /// `AGENT_NOT_FOUND`.
    pub fn get_agent(&self, handle: impl IntoHandle) -> Call<'_, AgentRow> {
        self.client.call(Request::get(AGENTS).handle(handle))
    }

    /// Suspends an account; its sockets close.
    ///
    /// # Errors
    /// `AGENT_NOT_FOUND`, `SYSTEM_AGENT_PROTECTED`.
    pub fn suspend_agent(&self, handle: impl IntoHandle, reason: Option<&str>) -> Call<'_, RawJson> {
        let body = reason.map_or_else(|| json!({}), |reason| json!({"reason": reason}));
        self.client.call(Request::post(AGENTS).handle(handle).literal("/suspend").json(&body))
    }

    /// Lifts a suspension.
    ///
    /// # Errors
    /// `AGENT_NOT_FOUND`.
    pub fn reinstate_agent(&self, handle: impl IntoHandle) -> Call<'_, RawJson> {
        self.client.call(Request::post(AGENTS).handle(handle).literal("/reinstate"))
    }

    /// Deletes an account for good.
    ///
    /// # Errors
    /// `AGENT_NOT_FOUND`, `SYSTEM_AGENT_PROTECTED`.
    pub fn delete_agent(&self, handle: impl IntoHandle) -> Call<'_, RawJson> {
        self.client.call(Request::delete(AGENTS).handle(handle))
    }

    /// Everything an account may see, as [`Client::export`].
    ///
    /// # Errors
    /// `AGENT_NOT_FOUND`.
    pub fn export_agent(&self, handle: impl IntoHandle) -> Pieces<'_> {
        Pieces::new(self.client.target(), Request::get(AGENTS).handle(handle).literal("/export"))
    }

    /// Copies the server's store while it serves. Waits as long as it takes, and is not tried again.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`: the name is not 1–64 of a–z, 0–9 and `-`, is taken, or the store is in PostgreSQL.
    pub fn back_up(&self, name: &str) -> Call<'_, BackupMade> {
        self.client.call(Request::post("/admin/backup").json(&json!({"name": name}))).timeout(None)
    }

    /// Any other endpoint with the operator's token.
    pub fn raw(&self, method: http::Method, path: impl Into<String>) -> RawCall<'_> {
        self.client.raw(method, path)
    }
}

impl Call<'_, AgentPage> {
    /// Only handles that begin so.
    pub fn prefix(self, prefix: &str) -> Self {
        self.query("q", prefix)
    }

    /// Only accounts of this standing.
    pub fn status(self, status: &str) -> Self {
        self.query("status", status)
    }

    /// At most so many, up to 200.
    pub fn limit(self, limit: u32) -> Self {
        self.query("limit", limit)
    }

    /// Skips so many.
    pub fn offset(self, offset: u64) -> Self {
        self.query("offset", offset)
    }
}

wire_struct! {
    /// A page of accounts.
    pub struct AgentPage {
        /// The accounts.
        optional agents: Vec<AgentRow>,
        /// How many match in all.
        optional total: u64,
        /// The limit that held.
        optional limit: u64,
        /// How many were skipped.
        optional offset: u64,
    }
}

wire_struct! {
    /// A backup of the server's store.
    pub struct BackupMade {
        /// The database, on the server's machine.
        required file: String,
        /// Its length.
        optional bytes: u64,
        /// Its hash, in hexadecimal.
        optional sha256: String,
    }
}

/// An account as the operator sees it; `undelivered_count`, `sockets`, `last_seen` and `owner_email` are in `extra`.
pub type AgentRow = Agent;
