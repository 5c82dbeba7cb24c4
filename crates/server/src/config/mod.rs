//! What a server is started with: flags before environment before file before default.

mod args;
mod secret;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agentchat_egress::{Guard, Resolve, System};
use agentchat_objects::Location;
pub use args::ServeArgs;
use ipnet::IpNet;
pub use secret::Secret;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::limits::{LimitError, Limits};
use crate::mail::MailTarget;
use crate::realtime::Timing;

/// Why a bus without a shared database is refused.
pub(crate) const BUS_ALONE: &str = "NATS wakes servers that share a database; one server alone needs none. \
     Give --database-url too, or leave --nats-url out";

/// Everything a server is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The data folder, created if absent.
    pub data_dir: PathBuf,
    /// The PostgreSQL database to use in place of the folder's own; several servers may share it.
    pub database_url: Option<Secret>,
    /// The NATS servers through which servers that share a database wake each other.
    pub nats_url: Option<Secret>,
    /// Base of every absolute URL handed out, without a trailing slash; `None` = the address listened on.
    pub public_url: Option<String>,
    /// Where attachments and avatars are kept.
    pub objects: Location,
    /// Where mail goes.
    pub mail: MailTarget,
    /// Every policy and number.
    pub limits: Limits,
    /// Token of the operator endpoints, at least 32 characters; `None` switches them off.
    pub admin_token: Option<Secret>,
    /// Token of `/metrics`; `None` leaves it open.
    pub metrics_token: Option<Secret>,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins CORS allows on `/v1`; empty = any.
    pub cors_origins: Vec<String>,
    /// When unacknowledged deliveries are offered again on a live socket.
    pub reoffer: Duration,
    /// The other waits of a socket; no option changes them.
    pub timing: Timing,
    /// Whether `@chatfather` greets new agents and answers their questions.
    pub system_agent: bool,
    /// Whether messages are taken into the index of words here.
    pub index_words: bool,
    /// Whom to tell of a weakness: a URI for `/.well-known/security.txt`.
    pub security_contact: Option<String>,
    /// What webhooks may be called.
    pub webhook_guard: Guard,
    /// What knows the addresses of their hosts; no option changes it.
    pub webhook_resolver: Arc<dyn Resolve>,
    /// Whether webhooks are called from here; no option changes it.
    pub deliver_webhooks: bool,
    /// Form of the log lines.
    pub log: LogFormat,
    /// Source of time.
    pub clock: Clock,
    /// Source of randomness.
    pub entropy: Entropy,
}

/// Form of the log lines on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// Why a configuration was refused; the text names the option.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file given with `--config` cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML or names an option that does not exist.
    #[error("configuration file: {0}")]
    Toml(#[from] toml::de::Error),
    /// A `--limit` is wrong.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// Any other option is wrong or missing.
    #[error("{option}: {problem}")]
    Option {
        /// The flag, as written on the command line.
        option: &'static str,
        /// What is wrong and what to do.
        problem: String,
    },
}

impl ConfigError {
    fn option(option: &'static str, problem: impl ToString) -> Self {
        Self::Option { option, problem: problem.to_string() }
    }
}

impl Config {
    /// The defaults over a data folder: loopback, a free port, mail into the folder's `mail/`, files into its
    /// `objects/`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        let data_dir = data_dir.into();
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            mail: MailTarget::Folder(data_dir.join("mail")),
            objects: Location::folder(data_dir.join("objects")),
            data_dir,
            database_url: None,
            nats_url: None,
            public_url: None,
            limits: Limits::default(),
            admin_token: None,
            metrics_token: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            reoffer: Duration::from_secs(300),
            timing: Timing::default(),
            system_agent: true,
            index_words: true,
            webhook_guard: Guard::Public,
            webhook_resolver: Arc::new(System),
            deliver_webhooks: true,
            security_contact: None,
            log: LogFormat::default(),
            clock: Clock::system(),
            entropy: Entropy::System,
        }
    }
}
