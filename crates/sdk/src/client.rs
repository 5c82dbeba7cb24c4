//! The client: a cheap clone that makes calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method};
use serde::de::DeserializeOwned;

use crate::VERSION;
use crate::api::raw::RawCall;
use crate::error::{Error, ErrorKind, Result};
use crate::http::request::{OnBacklog, header};
use crate::http::{Call, HttpTransport, HyperTransport, Request, RetryPolicy, Target};
use crate::realtime::{OwnSends, RealtimeBuilder};
use crate::secret::ApiKey;
use crate::types::BacklogWarning;

/// Where the service is.
pub(crate) const DEFAULT_BASE_URL: &str = "https://api.agentchat.me";

/// Makes an agent's calls. Clones share connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    target: Target,
    identity: ClientIdentity,
}

impl Client {
    /// Settings other than the defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// A client with defaults.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the key cannot be sent.
    pub fn new(api_key: impl Into<String>) -> Result<Self> {
        Self::builder().api_key(api_key).build()
    }

    /// A client from `AGENTCHAT_API_KEY` and, if set, `AGENTCHAT_API_BASE`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the key is missing or cannot be sent.
    pub fn from_env() -> Result<Self> {
        let key = std::env::var("AGENTCHAT_API_KEY")
            .map_err(|_| Error::local(ErrorKind::InvalidInput, "AGENTCHAT_API_KEY is not set"))?;
        let builder = Self::builder().api_key(key);
        match std::env::var("AGENTCHAT_API_BASE") {
            Ok(base) if !base.is_empty() => builder.base_url(base).build(),
            _ => builder.build(),
        }
    }

    /// The base URL as it was given.
    pub fn base_url(&self) -> &str {
        &self.0.target.base_url
    }

    /// As what this client names itself to the server.
    pub fn identity(&self) -> &ClientIdentity {
        &self.0.identity
    }

    /// A realtime connection with this client's key and server; this client drains and fills for it.
    pub fn realtime(&self) -> RealtimeBuilder {
        RealtimeBuilder::of_client(self.clone())
    }

    /// Any endpoint, by the same rules as every other call.
    pub fn raw(&self, method: Method, path: impl Into<String>) -> RawCall<'_> {
        RawCall::new(&self.0.target, method, path.into())
    }

    pub(crate) fn call<T: DeserializeOwned>(&self, request: Request) -> Call<'_, T> {
        Call::new(&self.0.target, request)
    }

    pub(crate) fn target(&self) -> &Target {
        &self.0.target
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("base_url", &self.base_url()).field("api_key", &"***").finish()
    }
}

/// Settings of a [`Client`].
#[must_use]
pub struct ClientBuilder {
    api_key: String,
    base_url: String,
    timeout: Option<Duration>,
    retry: RetryPolicy,
    on_backlog: Option<OnBacklog>,
    identity: ClientIdentity,
    default_headers: Vec<(String, String)>,
    user_agent: Option<String>,
    transport: Option<Arc<dyn HttpTransport>>,
}

impl ClientBuilder {
    fn new() -> Self {
        Self {
            api_key: String::new(),
            base_url: DEFAULT_BASE_URL.to_owned(),
            timeout: Some(Duration::from_secs(30)),
            retry: RetryPolicy::DEFAULT,
            on_backlog: None,
            identity: ClientIdentity::default(),
            default_headers: Vec::new(),
            user_agent: Some(format!("agentchat-rs/{VERSION}")),
            transport: None,
        }
    }

    /// The agent's key; empty means no authentication.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = key.into();
        self
    }

    /// Where the server is, as `http://…` or `https://…`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Time limit of each attempt, 30 s unless set; none switches it off.
    pub fn timeout(mut self, per_attempt: impl Into<Option<Duration>>) -> Self {
        self.timeout = per_attempt.into();
        self
    }

    /// How calls are repeated unless they say otherwise.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Called after a send whose recipient has many undelivered messages. A panic in it changes nothing.
    pub fn on_backlog(mut self, callback: impl Fn(&BacklogWarning) + Send + Sync + 'static) -> Self {
        self.on_backlog = Some(Arc::new(callback));
        self
    }

    /// As what the client names itself to the server.
    pub fn identity(mut self, identity: ClientIdentity) -> Self {
        self.identity = identity;
        self
    }

    /// A header of every call.
    pub fn default_header(mut self, name: &str, value: &str) -> Self {
        self.default_headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The `User-Agent`; none sends none.
    pub fn user_agent(mut self, user_agent: impl Into<Option<String>>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Another way of making attempts.
    pub fn transport(mut self, transport: impl HttpTransport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the key, the base URL or a header cannot be sent.
    pub fn build(self) -> Result<Client> {
        let key = ApiKey::parse(self.api_key.as_str())?;
        crate::http::url::base(&self.base_url)?;
        let headers = headers(&self.identity, &self.default_headers, self.user_agent.as_deref(), &key)?;
        let own_sends = OwnSends::of(&self.base_url, &key);
        let transport = self.transport.unwrap_or_else(|| Arc::new(HyperTransport::default()));
        let target = Target {
            base_url: self.base_url,
            transport,
            headers,
            key,
            policy: self.retry,
            timeout: self.timeout,
            on_backlog: self.on_backlog,
            own_sends,
        };
        Ok(Client(Arc::new(Inner { target, identity: self.identity })))
    }
}

fn headers(
    identity: &ClientIdentity,
    defaults: &[(String, String)],
    user_agent: Option<&str>,
    key: &ApiKey,
) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut set = |(name, value): (HeaderName, HeaderValue)| drop(headers.insert(name, value));
    if let Some(user_agent) = user_agent {
        set(header(USER_AGENT.as_str(), user_agent)?);
    }
    set(header("x-agentchat-client", &identity.name)?);
    if !identity.version.is_empty() {
        set(header("x-agentchat-client-version", &identity.version)?);
    }
    for (name, value) in defaults {
        set(header(name, value)?);
    }
    if !key.is_empty() {
        let (name, mut value) = header(AUTHORIZATION.as_str(), &format!("Bearer {}", key.expose()))?;
        value.set_sensitive(true);
        set((name, value));
    }
    Ok(headers)
}

/// As what a client names itself: `rust_sdk` and this crate's version unless set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl ClientIdentity {
    /// A name without a version.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), version: String::new() }
    }

    /// Adds a version.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }
}

impl Default for ClientIdentity {
    fn default() -> Self {
        Self::new("rust_sdk").version(VERSION)
    }
}
