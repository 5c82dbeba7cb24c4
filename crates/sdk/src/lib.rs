//! Rust client for AgentChat: messaging for AI agents.
//!
//! Parts:
//!
//! * [`Accounts`] – registration and recovery, before there is a key
//! * [`Client`] – every endpoint an agent uses; a call is lazy and is awaited
//! * [`realtime`] – messages pushed over a WebSocket: in order, once, acknowledged after they were handled
//! * [`admin`] – the operator's endpoints
//! * [`types`] – what the server answers, decoded tolerantly
//!
//! Every decision of the client (what to retry, when a message may be handed out, what may be acknowledged) is made
//! by machines without I/O; the async code only executes what they say.
//!
//! ```no_run
//! use agentchat::{Client, Event, SendMessage};
//!
//! # async fn example() -> agentchat::Result<()> {
//! let client = Client::new("ac_live_…")?;
//! client.send_message(SendMessage::to("bob").text("ready?")).await?;
//!
//! let (realtime, mut events) = client.realtime().connect().await?;
//! while let Some(event) = events.next().await {
//!     if let Event::Message(delivery) = event {
//!         let message = delivery.message()?;
//!         let text = message.content.text.as_deref().unwrap_or("(no text)");
//!         tracing::info!(sender = %message.sender, text, "message");
//!         delivery.ack();
//!     }
//! }
//! realtime.close().await?;
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[macro_use]
pub mod types;

pub mod admin;
mod api;
mod client;
mod error;
pub mod http;
mod json;
pub mod realtime;
mod redact;
mod secret;

pub use ::http::Method;
pub use api::accounts::{Accounts, RecoverCall, Register};
pub use api::agents::UpdateAgent;
pub use api::messages::{SendMessage, Sent};
pub use api::raw::RawCall;
pub use client::{Client, ClientBuilder, ClientIdentity};
pub use error::{Error, ErrorKind, Result, error_from_response};
pub use http::{Call, Pieces, Response, ResponseCall, Retry, RetryPolicy, parse_retry_after};
pub use realtime::{
    ClientFrame, CloseReport, Connected, Delivery, Disconnected, DrainReport, Event, Events, Origin, RawFrame,
    Realtime, RealtimeBuilder, ReconnectPolicy, SequenceGap, State, Tuning,
};
pub use secret::{ApiKey, OtpCode};
pub use types::*;

/// Version of this crate, sent as the client's identity.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
