//! Agents' sockets: `GET /v1/ws`.
//!
//! A commit reaches the sockets through the [`Hub`], in commit order. Each socket is one task: `socket` executes what
//! its `session` (plain state, no I/O) decides. What a socket writes comes from a short ring of fresh frames while
//! it keeps up, and from the store whenever it does not: the agent's log is the queue.
//!
//! * `upgrade`, `hello`, `capabilities` — both ways of authenticating;
//! * `session` — modes, positions, own rows, re-offers;
//! * `stream` — the same as server-sent events, `GET /v1/events`;
//! * `socket`, `asking`, `replies` — the task that executes it;
//! * `beat`, `budget` — heartbeat, progress, frame policy;
//! * `line`, `wire`, `outbox` — frames on the connection;
//! * `hub`, `feed`, `hold` — who is connected, and what is new for them;
//! * `presence`, `typing` — who comes and goes, and who composes;
//! * `relay`, `payload` — what other nodes are told, and tell.

mod asking;
mod beat;
mod budget;
mod capabilities;
mod feed;
mod hello;
mod hold;
mod hub;
mod line;
mod meters;
mod outbox;
mod payload;
mod presence;
mod relay;
mod replies;
mod session;
mod socket;
mod stream;
mod timing;
mod typing;
mod upgrade;
mod waiting;
mod wire;

pub(crate) use hold::Held;
pub(crate) use hub::{Control, Event, Head, Hub, OwnPublished, Published};
pub(crate) use presence::Attendance;
pub(crate) use relay::Relay;
pub(crate) use replies::text as frame_text;
pub use timing::Timing;
pub(crate) use upgrade::routes;
