//! The options of `serve`, once for all three sources: flags, environment, TOML file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use agentchat_egress::Guard;
use agentchat_objects::{Location, LocationError};
use serde::Deserialize;

use super::{Config, ConfigError, LogFormat, Secret};
use crate::limits::Limits;
use crate::mail::MailTarget;

const ADMIN_TOKEN_MIN: usize = 32;

/// Options of `serve`. Each may also be an environment variable (`AGENTCHAT_LISTEN`) or a line of the
/// TOML file (`listen = "…"`); a flag wins over the environment, that over the file.
#[derive(Debug, Clone, Default, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServeArgs {
    /// Address to listen on [env: AGENTCHAT_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Folder of the database and of mail, created if absent [env: AGENTCHAT_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL database that several nodes may share, in place of the folder's own:
    /// postgres://user:password@host:port/database [env: AGENTCHAT_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<Secret>,
    /// NATS server through which nodes wake each other; needs --database-url:
    /// nats://user:password@host:port, several separated by commas [env: AGENTCHAT_NATS_URL]
    #[arg(long, value_name = "URL")]
    pub nats_url: Option<Secret>,
    /// Base of every URL handed out, as clients reach it [env: AGENTCHAT_PUBLIC_URL]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Where mail goes: stdout, file:DIR or smtp(s)://user:password@host:port?from=ADDRESS
    /// [env: AGENTCHAT_MAIL] [default: stdout]
    #[arg(long, value_name = "TARGET")]
    pub mail: Option<Secret>,
    /// Where files are kept: file:DIR, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME (the bucket alone will do) with
    /// credentials in AWS_*; several nodes need a common one [env: AGENTCHAT_OBJECTS]
    /// [default: objects in the data folder]
    #[arg(long, value_name = "STORE")]
    pub objects: Option<String>,
    /// TOML file with these options [env: AGENTCHAT_CONFIG]
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Change a limit: NAME=L/W (L per W seconds), NAME=N or NAME=off; repeatable
    /// [env: AGENTCHAT_LIMIT, comma-separated]
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    #[serde(skip)]
    pub limit: Vec<String>,
    /// Token of the operator endpoints, at least 32 characters [env: AGENTCHAT_ADMIN_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub admin_token: Option<Secret>,
    /// Token that /metrics asks for [env: AGENTCHAT_METRICS_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub metrics_token: Option<Secret>,
    /// Network or address of a proxy whose X-Forwarded-For is believed; repeatable
    /// [env: AGENTCHAT_TRUSTED_PROXY, comma-separated]
    #[arg(long = "trusted-proxy", value_name = "CIDR")]
    pub trusted_proxy: Vec<String>,
    /// Origin browsers may call from; repeatable [env: AGENTCHAT_CORS_ORIGIN, comma-separated] [default: any]
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    pub cors_origin: Vec<String>,
    /// Seconds until an unacknowledged delivery is offered again on a live socket
    /// [env: AGENTCHAT_REOFFER_SECONDS] [default: 300]
    #[arg(long, value_name = "N")]
    pub reoffer_seconds: Option<u64>,
    /// Run without @chatfather, the system agent that greets new agents and answers their questions
    /// [env: AGENTCHAT_NO_SYSTEM_AGENT=true]
    #[arg(long)]
    pub no_system_agent: bool,
    /// Take no messages into the index of words; GET /v1/search still searches what is in it. With --database-url other
    /// nodes may index for this one [env: AGENTCHAT_NO_SEARCH=true]
    #[arg(long)]
    pub no_search: bool,
    /// Let webhooks be http, on any port and on private addresses: for development only
    /// [env: AGENTCHAT_WEBHOOK_ALLOW_PRIVATE=true]
    #[arg(long)]
    pub webhook_allow_private: bool,
    /// Whom to tell of a weakness, for /.well-known/security.txt: an e-mail or a https:// URL
    /// [env: AGENTCHAT_SECURITY_CONTACT]
    #[arg(long, value_name = "CONTACT")]
    pub security_contact: Option<String>,
    /// Form of the log lines on stderr [env: AGENTCHAT_LOG] [default: json]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub log: Option<LogFormat>,
    /// The file's `[limits]` table.
    #[arg(skip)]
    pub limits: BTreeMap<String, LimitValue>,
}

/// A limit in TOML: `send = "100/1"` or `cold_cap = 500`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum LimitValue {
    /// A whole number.
    Number(u64),
    /// As on the command line.
    Text(String),
}

impl ServeArgs {
    /// The configuration these flags lead to, with the environment and the file behind them.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        self.resolve_with(|name| std::env::var(name).ok())
    }

    /// As [`ServeArgs::resolve`] with another environment.
    pub fn resolve_with(self, env: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let environment = Self::from_environment(&env)?;
        let path = self.config.clone().or(environment.config.clone());
        let file = path.map(Self::from_file).transpose()?.unwrap_or_default();
        let limits = merge_limits(&[&file, &environment, &self])?;
        self.or(environment).or(file).build(limits)
    }

    fn from_environment(env: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let text = |name: &str| env(name).filter(|value| !value.is_empty());
        let list = |name: &str| split_list(text(name).as_deref().unwrap_or(""));
        Ok(Self {
            listen: text("AGENTCHAT_LISTEN"),
            data_dir: text("AGENTCHAT_DATA_DIR").map(PathBuf::from),
            database_url: text("AGENTCHAT_DATABASE_URL").map(Secret::new),
            nats_url: text("AGENTCHAT_NATS_URL").map(Secret::new),
            public_url: text("AGENTCHAT_PUBLIC_URL"),
            mail: text("AGENTCHAT_MAIL").map(Secret::new),
            objects: text("AGENTCHAT_OBJECTS"),
            config: text("AGENTCHAT_CONFIG").map(PathBuf::from),
            limit: list("AGENTCHAT_LIMIT"),
            admin_token: text("AGENTCHAT_ADMIN_TOKEN").map(Secret::new),
            metrics_token: text("AGENTCHAT_METRICS_TOKEN").map(Secret::new),
            trusted_proxy: list("AGENTCHAT_TRUSTED_PROXY"),
            cors_origin: list("AGENTCHAT_CORS_ORIGIN"),
            reoffer_seconds: text("AGENTCHAT_REOFFER_SECONDS").map(|text| parse_seconds(&text)).transpose()?,
            webhook_allow_private: text("AGENTCHAT_WEBHOOK_ALLOW_PRIVATE")
                .map(|text| parse_switch("--webhook-allow-private", &text))
                .transpose()?
                .unwrap_or(false),
            no_system_agent: text("AGENTCHAT_NO_SYSTEM_AGENT")
                .map(|text| parse_switch("--no-system-agent", &text))
                .transpose()?
                .unwrap_or(false),
            no_search: text("AGENTCHAT_NO_SEARCH")
                .map(|text| parse_switch("--no-search", &text))
                .transpose()?
                .unwrap_or(false),
            security_contact: text("AGENTCHAT_SECURITY_CONTACT"),
            log: text("AGENTCHAT_LOG").map(|text| parse_log(&text)).transpose()?,
            limits: BTreeMap::new(),
        })
    }

    fn from_file(path: PathBuf) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::File { path, source })?;
        Ok(toml::from_str(&text)?)
    }

    /// What is set here, else what is set in `behind`.
    fn or(self, behind: Self) -> Self {
        Self {
            listen: self.listen.or(behind.listen),
            data_dir: self.data_dir.or(behind.data_dir),
            database_url: self.database_url.or(behind.database_url),
            nats_url: self.nats_url.or(behind.nats_url),
            public_url: self.public_url.or(behind.public_url),
            mail: self.mail.or(behind.mail),
            objects: self.objects.or(behind.objects),
            config: self.config.or(behind.config),
            limit: Vec::new(),
            admin_token: self.admin_token.or(behind.admin_token),
            metrics_token: self.metrics_token.or(behind.metrics_token),
            trusted_proxy: first_set(self.trusted_proxy, behind.trusted_proxy),
            cors_origin: first_set(self.cors_origin, behind.cors_origin),
            reoffer_seconds: self.reoffer_seconds.or(behind.reoffer_seconds),
            no_system_agent: self.no_system_agent || behind.no_system_agent,
            no_search: self.no_search || behind.no_search,
            webhook_allow_private: self.webhook_allow_private || behind.webhook_allow_private,
            security_contact: self.security_contact.or(behind.security_contact),
            log: self.log.or(behind.log),
            limits: BTreeMap::new(),
        }
    }

    fn build(self, limits: Limits) -> Result<Config, ConfigError> {
        check_shared(&self)?;
        let data_dir = self.data_dir.ok_or_else(|| {
            ConfigError::option("--data-dir", "say which folder holds the data, for example --data-dir ./data")
        })?;
        let defaults = Config::new(data_dir);
        Ok(Config {
            listen: parse_listen(self.listen.as_deref().unwrap_or("127.0.0.1:8080"))?,
            database_url: self.database_url,
            nats_url: self.nats_url,
            public_url: self.public_url.map(|url| parse_public_url(&url)).transpose()?,
            mail: self.mail.as_ref().map_or(Ok(MailTarget::Stdout), parse_mail)?,
            objects: self.objects.as_deref().map_or(Ok(defaults.objects), parse_objects)?,
            limits,
            admin_token: self.admin_token.map(parse_admin_token).transpose()?,
            metrics_token: self.metrics_token,
            trusted_proxies: self.trusted_proxy.iter().map(|text| parse_network(text)).collect::<Result<_, _>>()?,
            cors_origins: self.cors_origin.into_iter().filter(|origin| origin != "*").collect(),
            reoffer: self.reoffer_seconds.map_or(defaults.reoffer, Duration::from_secs),
            system_agent: !self.no_system_agent,
            index_words: !self.no_search,
            webhook_guard: if self.webhook_allow_private { Guard::AllowPrivate } else { Guard::Public },
            security_contact: self.security_contact.map(|text| parse_contact(&text)).transpose()?,
            log: self.log.unwrap_or_default(),
            ..defaults
        })
    }
}

/// What can be said about the shared parts before anything is opened.
fn check_shared(args: &ServeArgs) -> Result<(), ConfigError> {
    if args.nats_url.is_some() && args.database_url.is_none() {
        return Err(ConfigError::option("--nats-url", super::BUS_ALONE));
    }
    let is_postgres = |url: &Secret| ["postgres://", "postgresql://"].iter().any(|one| url.expose().starts_with(one));
    if args.database_url.as_ref().is_some_and(|url| !is_postgres(url)) {
        // Not quoted: it may hold a password.
        return Err(ConfigError::option("--database-url", "use postgres://user:password@host:port/database"));
    }
    Ok(())
}

/// Limits are merged one by one: a flag changes only the limit it names.
fn merge_limits(sources: &[&ServeArgs]) -> Result<Limits, ConfigError> {
    let mut limits = Limits::default();
    for source in sources {
        for (name, value) in &source.limits {
            match value {
                LimitValue::Number(number) => limits.set_named(name, &number.to_string())?,
                LimitValue::Text(text) => limits.set_named(name, text)?,
            }
        }
        for assignment in &source.limit {
            limits.set(assignment)?;
        }
    }
    Ok(limits)
}

fn first_set(first: Vec<String>, second: Vec<String>) -> Vec<String> {
    if first.is_empty() { second } else { first }
}

fn split_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// An address, `localhost:PORT`, or `:PORT` for every interface.
fn parse_listen(text: &str) -> Result<SocketAddr, ConfigError> {
    let spelled = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None if text.starts_with(':') => format!("0.0.0.0{text}"),
        None => text.to_owned(),
    };
    spelled
        .parse()
        .map_err(|_| ConfigError::option("--listen", format!("`{text}` is not ADDRESS:PORT, for example 0.0.0.0:8080")))
}

fn parse_public_url(text: &str) -> Result<String, ConfigError> {
    let wrong = || ConfigError::option("--public-url", format!("`{text}` is not a http:// or https:// URL"));
    let url: http::Uri = text.parse().map_err(|_| wrong())?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.query().is_some() {
        return Err(wrong());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// RFC 9116 wants a URI on one line.
fn parse_contact(text: &str) -> Result<String, ConfigError> {
    let is_plain = text.chars().all(|character| character.is_ascii_graphic());
    let is_uri = ["mailto:", "https://", "tel:"].iter().any(|scheme| text.starts_with(scheme));
    match (is_plain, is_uri) {
        (true, true) => Ok(text.to_owned()),
        (true, false) if text.contains('@') && !text.contains(':') => Ok(format!("mailto:{text}")),
        _ => {
            Err(ConfigError::option("--security-contact", format!("`{text}` is neither an e-mail nor a https:// URL")))
        }
    }
}

fn parse_mail(target: &Secret) -> Result<MailTarget, ConfigError> {
    target.expose().parse().map_err(|problem: crate::mail::MailError| ConfigError::option("--mail", problem))
}

fn parse_objects(text: &str) -> Result<Location, ConfigError> {
    text.parse().map_err(|problem: LocationError| ConfigError::option("--objects", problem))
}

fn parse_admin_token(token: Secret) -> Result<Secret, ConfigError> {
    if token.expose().len() < ADMIN_TOKEN_MIN {
        return Err(ConfigError::option("--admin-token", format!("use at least {ADMIN_TOKEN_MIN} characters")));
    }
    Ok(token)
}

fn parse_network(text: &str) -> Result<ipnet::IpNet, ConfigError> {
    let network = text.parse().or_else(|_| text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from));
    network.map_err(|_| {
        ConfigError::option("--trusted-proxy", format!("`{text}` is not an address or network, for example 10.0.0.0/8"))
    })
}

fn parse_seconds(text: &str) -> Result<u64, ConfigError> {
    text.parse().map_err(|_| ConfigError::option("--reoffer-seconds", format!("`{text}` is not a whole number")))
}

fn parse_switch(option: &'static str, text: &str) -> Result<bool, ConfigError> {
    text.parse().map_err(|_| {
        let variable = option.trim_start_matches('-').replace('-', "_").to_uppercase();
        ConfigError::option(option, format!("`{text}` is neither true nor false (AGENTCHAT_{variable})"))
    })
}

fn parse_log(text: &str) -> Result<LogFormat, ConfigError> {
    clap::ValueEnum::from_str(text, true)
        .map_err(|_| ConfigError::option("--log", format!("`{text}` is neither json nor text")))
}
