//! The agent socket, over real connections.

mod closes;
mod delivery;
mod handshake;
mod lead;
mod own_messages;
pub(crate) mod peer;
mod sends;
