//! What a PostgreSQL store is opened with: a URL, and the few parameters in it that are ours.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode};

use crate::OpenError;

/// How a PostgreSQL store is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Connections of this node at the most (`connections=` in the URL).
    pub connections: usize,
    /// How long an operation waits for a connection, a lock's loser for its turn, or a restarting server.
    pub wait: Duration,
    /// How long opening the store tries to reach the server.
    pub connect_within: Duration,
    /// How long one statement may take on the server.
    pub statement_timeout: Duration,
    /// Callers' operations that may be under way before further ones are refused as [`crate::StoreError::Busy`].
    pub queue: usize,
    /// The server is behind a pooler that gives every transaction another connection (`pooler=transaction`): nothing
    /// is kept in a session.
    pub pooled: bool,
    pub(super) encryption: Encryption,
    pub(super) server: tokio_postgres::Config,
}

/// Whether the connection is encrypted, and whom it trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Encryption {
    /// `sslmode=disable`.
    Off,
    /// `sslmode=prefer` (if the server offers it) and `require`: encrypted, with whoever answers.
    Unverified,
    /// `sslmode=verify-full`: the certificate must fit the name. Trusts `sslrootcert`, or else the usual authorities.
    Verified(Option<PathBuf>),
}

impl std::fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresOptions").field("target", &self.target()).finish_non_exhaustive()
    }
}

impl PostgresOptions {
    /// Reads `postgres://user:password@host:port/database?parameter=value`. Besides PostgreSQL's own parameters:
    /// `connections=16`, `pooler=transaction`, `sslmode=disable|prefer|require|verify-full`, `sslrootcert=FILE`.
    ///
    /// # Errors
    /// [`OpenError::Options`] names what is wrong, and never the password.
    pub fn parse(url: &str) -> Result<Self, OpenError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut own = Own::default();
        let mut others = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !own.take(name, value)? {
                others.push(pair);
            }
        }
        let url = if others.is_empty() { base.to_owned() } else { format!("{base}?{}", others.join("&")) };
        let server: tokio_postgres::Config = url.parse().map_err(|error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            OpenError::Options(cause)
        })?;
        own.options(server)
    }

    /// `host:port/database`, for messages.
    pub fn target(&self) -> String {
        let port = self.server.get_ports().first().copied().unwrap_or(5432);
        let hosts: Vec<String> = self.server.get_hosts().iter().map(host).collect();
        let user = self.server.get_user().unwrap_or_default();
        format!("{}:{port}/{}", hosts.join(","), self.server.get_dbname().unwrap_or(user))
    }
}

fn host(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}

#[derive(Default)]
struct Own {
    connections: Option<usize>,
    pooled: bool,
    mode: Option<String>,
    roots: Option<PathBuf>,
}

impl Own {
    /// Takes a parameter that is ours; false when it is PostgreSQL's.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, OpenError> {
        match name {
            "connections" => {
                let number = value.parse().ok().filter(|number| (2..=1000).contains(number));
                let wrong = || OpenError::Options(format!("connections={value}: expected 2 to 1000"));
                self.connections = Some(number.ok_or_else(wrong)?);
            }
            "pooler" if value == "transaction" => self.pooled = true,
            "pooler" => return Err(OpenError::Options(format!("pooler={value}: expected transaction"))),
            "sslmode" => self.mode = Some(value.to_owned()),
            "sslrootcert" => self.roots = Some(PathBuf::from(value)),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn options(self, mut server: tokio_postgres::Config) -> Result<PostgresOptions, OpenError> {
        if server.get_hosts().is_empty() {
            return Err(OpenError::Options("no host: expected postgres://user@host:port/database".into()));
        }
        let (mode, encryption) = match (self.mode.as_deref(), self.roots) {
            (Some("disable"), _) => (SslMode::Disable, Encryption::Off),
            (Some("verify-full"), roots) => (SslMode::Require, Encryption::Verified(roots)),
            (None | Some("require" | "prefer"), Some(roots)) => (SslMode::Require, Encryption::Verified(Some(roots))),
            (Some("require"), None) => (SslMode::Require, Encryption::Unverified),
            (None | Some("prefer"), None) => (SslMode::Prefer, Encryption::Unverified),
            (Some(other), _) => {
                let text = format!("sslmode={other}: expected disable, prefer, require or verify-full");
                return Err(OpenError::Options(text));
            }
        };
        server.ssl_mode(mode);
        Ok(PostgresOptions {
            connections: self.connections.unwrap_or(16),
            wait: Duration::from_secs(5),
            connect_within: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(10),
            queue: 4096,
            pooled: self.pooled,
            encryption,
            server,
        })
    }
}
