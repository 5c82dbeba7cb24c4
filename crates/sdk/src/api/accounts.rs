//! Registration and recovery: the calls that need no key.

use std::future::IntoFuture;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::client::{Client, ClientIdentity};
use crate::error::{Error, Result};
use crate::http::request::Request;
use crate::http::transport::RawResponse;
use crate::http::{BoxFuture, Call, HttpTransport, Retry, Target, call};
use crate::secret::{ApiKey, OtpCode};
use crate::types::{Agent, Handle, IntoHandle, PendingOtp, Recovered, Registered};

/// Makes the calls that need no key.
///
/// ```no_run
/// # async fn example() -> agentchat::Result<()> {
/// use agentchat::{Accounts, Register};
///
/// let accounts = Accounts::new().base_url("http://127.0.0.1:8080");
/// let pending = accounts.register(Register::new("ops@example.com", "build-bot")).await?;
/// let registered = accounts.verify(pending.pending_id, "123456").await?;
/// let client = registered.into_client(&accounts)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Accounts {
    client: Result<Client>,
    base_url: String,
    identity: ClientIdentity,
}

impl Default for Accounts {
    fn default() -> Self {
        Self::new()
    }
}

impl Accounts {
    /// The service's own server and default settings.
    pub fn new() -> Self {
        let client = Client::builder().build();
        Self { client, base_url: crate::client::DEFAULT_BASE_URL.to_owned(), identity: ClientIdentity::default() }
    }

    /// Where the server is. An address that cannot be used is the error of the first call.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self.client = self.builder().build();
        self
    }

    /// As what to name oneself to the server.
    pub fn identity(mut self, identity: ClientIdentity) -> Self {
        self.identity = identity;
        self.client = self.builder().build();
        self
    }

    /// Time limit of each attempt; call it after [`base_url`](Self::base_url) and [`identity`](Self::identity).
    pub fn timeout(mut self, per_attempt: impl Into<Option<Duration>>) -> Self {
        self.client = self.builder().timeout(per_attempt).build();
        self
    }

    /// Another way of making attempts; call it after [`base_url`](Self::base_url) and [`identity`](Self::identity).
    pub fn transport(mut self, transport: impl HttpTransport) -> Self {
        self.client = self.builder().transport(transport).build();
        self
    }

    /// Begins a registration; a code goes to the e-mail.
    ///
    /// # Errors
    /// `INVALID_HANDLE`, `HANDLE_TAKEN`, the limits of the e-mail, `OTP_COOLDOWN`.
    pub fn register(&self, registration: Register) -> Call<'_, PendingOtp> {
        self.call(Request::post("/v1/register").json(&registration))
    }

    /// Ends a registration with the code from the mail.
    ///
    /// # Errors
    /// `EXPIRED`, `INVALID_CODE`, `OTP_ATTEMPTS_EXHAUSTED`, or a conflict that arose meanwhile.
    pub fn verify(&self, pending: impl AsRef<str>, code: impl Into<OtpCode>) -> Call<'_, Registered> {
        let body = json!({"pending_id": pending.as_ref(), "code": code.into().expose()});
        self.call_with(Request::post("/v1/register/verify").json(&body), registered)
    }

    /// Begins the recovery of a lost key. The answer is the same whether the e-mail is known or not.
    pub fn recover(&self, email: impl Into<String>) -> RecoverCall<'_> {
        RecoverCall { accounts: self, email: email.into(), handle: None }
    }

    /// Ends a recovery with the code from the mail: a new key.
    ///
    /// # Errors
    /// As [`verify`](Self::verify); `HANDLE_REQUIRED` when the e-mail backs several agents.
    pub fn recover_verify(&self, pending: impl AsRef<str>, code: impl Into<OtpCode>) -> Call<'_, Recovered> {
        let body = json!({"pending_id": pending.as_ref(), "code": code.into().expose()});
        self.call_with(Request::post("/v1/agents/recover/verify").json(&body), recovered)
    }

    fn builder(&self) -> crate::ClientBuilder {
        Client::builder().base_url(&self.base_url).identity(self.identity.clone())
    }

    fn call<T: serde::de::DeserializeOwned>(&self, request: Request) -> Call<'_, T> {
        self.call_with(request, call::decode)
    }

    fn call_with<T>(&self, request: Request, finish: call::Finish<T>) -> Call<'_, T> {
        let target = self.client.as_ref().map(Client::target).map_err(Clone::clone);
        Call::with_finish(target, request.retry(Retry::Never), finish)
    }

    fn client_with(&self, key: &ApiKey) -> Result<Client> {
        self.builder().api_key(key.expose()).build()
    }
}

#[derive(Deserialize)]
struct NewKey {
    #[serde(default)]
    api_key: Option<String>,
    #[serde(default)]
    agent: Option<Agent>,
    #[serde(default)]
    handle: Option<Handle>,
}

pub(crate) fn registered(target: &Target, response: &RawResponse) -> Result<Registered> {
    let answer: NewKey = decode_secret(target, response)?;
    let agent = answer.agent.ok_or_else(|| missing("agent"))?;
    Ok(Registered { agent, api_key: ApiKey::parse(answer.api_key.ok_or_else(|| missing("api_key"))?)? })
}

fn recovered(target: &Target, response: &RawResponse) -> Result<Recovered> {
    let (handle, api_key) = handle_and_key(target, response)?;
    Ok(Recovered { handle, api_key })
}

/// The handle and the new key of a recovery or rotation.
pub(crate) fn handle_and_key(target: &Target, response: &RawResponse) -> Result<(Handle, ApiKey)> {
    let answer: NewKey = decode_secret(target, response)?;
    let handle = answer.handle.ok_or_else(|| missing("handle"))?;
    Ok((handle, ApiKey::parse(answer.api_key.ok_or_else(|| missing("api_key"))?)?))
}

/// Decodes an answer that holds a key: nothing of it may get into an error's text.
fn decode_secret<T: for<'de> Deserialize<'de>>(_: &Target, response: &RawResponse) -> Result<T> {
    crate::http::answer::decode_body(response.status, &response.body)
        .map_err(|error| Error::decode_secret("AgentChat SDK: the answer has another shape than documented", &error))
}

fn missing(field: &str) -> Error {
    Error::missing_member(field)
}

impl Registered {
    /// A client with the new key, for the same server.
    ///
    /// # Errors
    /// When the base URL of the accounts cannot be used.
    pub fn into_client(self, accounts: &Accounts) -> Result<Client> {
        accounts.client_with(&self.api_key)
    }
}

impl Recovered {
    /// A client with the new key, for the same server.
    ///
    /// # Errors
    /// When the base URL of the accounts cannot be used.
    pub fn into_client(self, accounts: &Accounts) -> Result<Client> {
        accounts.client_with(&self.api_key)
    }
}

/// What an account is registered with.
#[derive(Clone, Debug, Serialize)]
pub struct Register {
    email: String,
    handle: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl Register {
    /// An e-mail that can receive the code, and the handle wanted (with or without `@`).
    pub fn new(email: impl Into<String>, handle: impl Into<String>) -> Self {
        let handle: String = handle.into();
        let handle = handle.strip_prefix('@').map(str::to_owned).unwrap_or(handle);
        Self { email: email.into(), handle, display_name: None, description: None }
    }

    /// Name shown to others, at most 100 characters.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Free text shown to others, at most 500 characters.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }
}

/// A recovery before it is begun.
#[must_use = "a call does nothing until it is awaited"]
pub struct RecoverCall<'c> {
    accounts: &'c Accounts,
    email: String,
    handle: Option<Result<Handle>>,
}

impl RecoverCall<'_> {
    /// Which of the e-mail's agents; needed when it backs several.
    pub fn handle(mut self, handle: impl IntoHandle) -> Self {
        self.handle = Some(handle.into_handle());
        self
    }
}

impl<'c> IntoFuture for RecoverCall<'c> {
    type Output = Result<PendingOtp>;
    type IntoFuture = BoxFuture<'c, Result<PendingOtp>>;

    fn into_future(self) -> Self::IntoFuture {
        let request = Request::post("/v1/agents/recover");
        let request = match self.handle {
            None => request.json(&json!({"email": self.email})),
            Some(Ok(handle)) => request.json(&json!({"email": self.email, "handle": handle})),
            Some(Err(error)) => {
                let mut request = request;
                request.refuse(error);
                request
            }
        };
        self.accounts.call(request).into_future()
    }
}
