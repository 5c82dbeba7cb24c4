//! The AgentChat server: HTTP and WebSocket front of the rules in `agentchat-core`.
//!
//! Parts, in the order a request meets them:
//! * [`run`](crate::Server) binds, serves and shuts down;
//! * `layers` is the one outer layer: path rules, request ids, headers, CORS, metrics, panics;
//! * `api` holds one file of routes a resource, `extract` what handlers ask for (caller, body, query);
//! * `limits` holds every policy and number an operator can set, and the token buckets;
//! * `realtime` owns the sockets, `bus` leads to other nodes, `mail` hands mail over.
//!
//! ```no_run
//! # async fn example() -> Result<(), agentchat_server::StartError> {
//! use agentchat_server::{Config, Server};
//!
//! let running = Server::start(Config::new("./data")).await?;
//! println!("listening on http://{}", running.addr());
//! running.shutdown();
//! running.wait().await;
//! # Ok(())
//! # }
//! ```

mod api;
mod app;
mod avatars;
mod bus;
mod callers;
mod chatfather;
mod clock;
mod config;
mod enforcement;
mod entropy;
mod error;
mod extract;
mod files;
mod idempotency;
mod layers;
mod limits;
mod logging;
mod mail;
mod pages;
mod realtime;
mod run;
mod sending;
mod webhooks;
mod workers;

pub use agentchat_store::backup;
pub use agentchat_store::transfer;
pub use app::App;
pub use clock::Clock;
pub use config::{Config, ConfigError, LogFormat, Secret, ServeArgs};
pub use entropy::Entropy;
pub use limits::{Limits, Policy, Rate};
pub use logging::init_logging;
pub use mail::MailTarget;
pub use realtime::Timing;
pub use run::{Running, Server, StartError};
