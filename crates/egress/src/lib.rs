//! Calls to addresses that somebody else named: what may be called, and the client that calls nothing else.
//!
//! - [`check_url`]: what a URL says of itself, looked at when it is given and again at each call.
//! - [`is_public`]: whether an address is everybody's.
//! - [`Client`]: one POST at a time to such a URL. A name is resolved once for each call, every address it stands for
//!   must be public, and the connection goes to one of those that were looked at: what the name stands for a moment
//!   later does not matter. Redirects are answers like others, and no proxy is asked.
//!
//! ```no_run
//! # async fn example() -> Result<(), agentchat_egress::CallError> {
//! use agentchat_egress::{Client, Guard};
//!
//! let client = Client::new(Guard::Public).expect("TLS");
//! let status = client.post("https://example.com/hook", http::HeaderMap::new(), "{}".into()).await?;
//! # let _ = status; Ok(()) }
//! ```

mod address;
mod client;
mod connection;
mod error;
mod pool;
mod resolve;
mod tls;
mod url;

pub use address::is_public;
pub use client::Client;
pub use error::CallError;
pub use resolve::{Addresses, Resolve, System};
pub use url::check_url;

/// What may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Guard {
    /// https, ports 443 and 1024–65535, public addresses.
    #[default]
    Public,
    /// Anything that speaks HTTP: for development on one machine.
    AllowPrivate,
}
