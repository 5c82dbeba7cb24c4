//! Frames of the agent WebSocket: what a client may send ([`ClientFrame`]), what a server sends ([`ServerFrame`]),
//! and how a socket ends ([`close`]).

mod client;
pub mod close;
mod server;

pub use self::client::{ClientFrame, FrameError, Hello, PresenceUpdate, SendFrame};
pub use self::server::{
    FrameFailure, HelloOk, MessageRead, MessageSent, Pong, RateLimitWarning, ServerFrame, Typing, UnreadableFrame,
};

/// The largest client frame, in bytes; a larger one closes the socket.
pub const MAX_CLIENT_FRAME: usize = 64 * 1024;
/// The largest frame of a socket that has not authenticated, in bytes.
pub const MAX_HELLO_FRAME: usize = 4 * 1024;
/// The most ids of one ack frame.
pub const MAX_ACKS: usize = 500;
