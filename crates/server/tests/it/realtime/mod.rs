//! The agent socket, over real connections.

mod closes;
mod delivery;
mod groups;
mod handshake;
mod lead;
mod own_messages;
pub(crate) mod peer;
pub(crate) mod presence;
mod sends;
mod stream;
mod typing;
