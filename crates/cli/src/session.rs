//! Whose key and which server: flags before profile before environment.

use std::fmt;
use std::path::PathBuf;

use agentchat::{Accounts, Client, ClientBuilder, ClientIdentity};

use crate::context::Context;
use crate::failure::Failure;

/// Where `agentchat serve` listens unless told otherwise.
pub(crate) const DEFAULT_API_BASE: &str = "http://127.0.0.1:8080";

/// Where a key came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    File(PathBuf),
    Environment,
    Profile(String),
}

impl fmt::Display for KeySource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "file {}", path.display()),
            Self::Environment => out.write_str("AGENTCHAT_API_KEY"),
            Self::Profile(name) => write!(out, "profile {name}"),
        }
    }
}

/// A key and a server.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) api_base: String,
    pub(crate) source: KeySource,
}

impl Session {
    /// Finds the key and builds a client; nothing is sent.
    pub(crate) fn open(context: &Context) -> Result<Self, Failure> {
        let (api_key, source) = find_key(context)?;
        let api_base = api_base(context)?;
        context.printer.detail(format!("key from {source}, server {api_base}"));
        let client = client(&api_base, &api_key)?;
        Ok(Self { client, api_base, source })
    }
}

/// A client for `api_key` at `api_base`.
pub(crate) fn client(api_base: &str, api_key: &str) -> Result<Client, Failure> {
    Ok(builder(api_base, api_key).build()?)
}

/// The same, before it is built.
pub(crate) fn builder(api_base: &str, api_key: &str) -> ClientBuilder {
    Client::builder().api_key(api_key).base_url(api_base).identity(identity())
}

/// Registration and recovery at `api_base`.
pub(crate) fn accounts(api_base: &str) -> Accounts {
    Accounts::new().base_url(api_base).identity(identity())
}

fn identity() -> ClientIdentity {
    ClientIdentity::new("agentchat_cli").version(env!("CARGO_PKG_VERSION"))
}

/// The server's address: flag, environment, the profile's key, its settings, the default.
pub(crate) fn api_base(context: &Context) -> Result<String, Failure> {
    if let Some(base) = context.globals.api_base.clone().or(context.environment.api_base.clone()) {
        return Ok(base);
    }
    let profile = context.profile()?;
    if let Some(credentials) = profile.credentials()? {
        return Ok(credentials.api_base);
    }
    Ok(profile.configured_api_base()?.unwrap_or_else(|| DEFAULT_API_BASE.to_owned()))
}

fn find_key(context: &Context) -> Result<(String, KeySource), Failure> {
    if let Some(path) = &context.globals.api_key_file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::not_signed_in(format!("cannot read {}: {error}", path.display())))?;
        return Ok((text.trim().to_owned(), KeySource::File(path.clone())));
    }
    let named = context.globals.profile.is_some();
    if let Some(key) = context.environment.api_key.clone().filter(|_| !named) {
        return Ok((key, KeySource::Environment));
    }
    let profile = context.profile()?;
    let credentials = profile
        .credentials()?
        .ok_or_else(|| Failure::not_signed_in(format!("profile {} has no key", profile.name())))?;
    Ok((credentials.api_key, KeySource::Profile(profile.name().to_owned())))
}
