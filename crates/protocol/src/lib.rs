//! The wire contract of AgentChat as Rust types: what a server and its clients say to each other.
//!
//! Only data and its rules live here; there is no I/O, no clock and no randomness. Whoever needs a new id
//! or a key brings the entropy.
//!
//! * names: [`id`], [`delivery`], [`handle`], [`email`], [`timestamp`], [`api_key`]
//! * bodies: [`agent`], [`account`], [`contact`], [`mute`], [`directory`], [`conversation`], [`group`], [`message`],
//!   [`presence`], [`frame`], [`json`], [`error`]
//! * reading what a caller sent: [`validate`] for any JSON body, [`send`] for the hot path
//! * derived from a text: [`mentions`], [`preview`]
//!
//! ```
//! use agentchat_protocol::send::SendRequest;
//!
//! let body = br#"{"to": "@bob", "client_msg_id": "m-1", "content": {"text": "ready, @carol?"}}"#;
//! let request = SendRequest::parse(body, 32_768).unwrap();
//! assert_eq!(request.to.as_deref(), Some("@bob"));
//! assert_eq!(request.content.as_str(), r#"{"text":"ready, @carol?"}"#);
//! assert_eq!(request.mentions[0].as_str(), "carol");
//! ```

mod scan;
mod spelled;

pub mod account;
pub mod agent;
pub mod api_key;
pub mod attachment;
pub mod avatar;
pub mod contact;
pub mod conversation;
pub mod delivery;
pub mod directory;
pub mod email;
pub mod error;
pub mod frame;
pub mod group;
pub mod handle;
pub mod id;
pub mod json;
pub mod mentions;
pub mod message;
pub mod mute;
pub mod presence;
pub mod preview;
pub mod reply;
pub mod review;
pub mod search;
pub mod send;
pub mod support;
pub mod timestamp;
pub mod trace;
pub mod validate;
pub mod webhook;
pub mod webhook_signature;

pub use validate::text;
