//! The seam below the session: opening sockets, reading and writing frames.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use super::machine;
use crate::http::BoxFuture;

/// Opens sockets. Dropping the future aborts the attempt.
pub trait SocketConnector: Send + Sync + 'static {
    /// Opens a socket; HTTP redirects are not followed.
    fn open<'a>(
        &'a self,
        url: &'a str,
        headers: HeaderMap,
        limits: SocketLimits,
    ) -> BoxFuture<'a, Result<Box<dyn Socket>, OpenFailure>>;
}

/// An open socket. Pings are its own business.
pub trait Socket: Send + 'static {
    /// The next frame; none when the peer is gone without a close frame. Cancel-safe.
    fn recv(&mut self) -> BoxFuture<'_, Option<Result<Inbound, SocketFailure>>>;

    /// Writes a text frame.
    fn send(&mut self, text: String) -> BoxFuture<'_, Result<(), SocketFailure>>;

    /// Writes text frames with as few writes as possible.
    fn send_all(&mut self, texts: Vec<String>) -> BoxFuture<'_, Result<(), SocketFailure>> {
        Box::pin(async move {
            for text in texts {
                self.send(text).await?;
            }
            Ok(())
        })
    }

    /// Writes a close frame and waits for the peer's.
    fn close<'a>(&'a mut self, code: u16, reason: &'a str) -> BoxFuture<'a, ()>;
}

/// A frame of the peer.
#[derive(Clone, Debug)]
pub enum Inbound {
    /// Text.
    Text(String),
    /// Bytes; they hold the same as text would.
    Binary(Bytes),
    /// The peer closes.
    Close {
        /// Its code, if it named one.
        code: Option<u16>,
        /// Its reason.
        reason: String,
    },
}

/// A socket that broke.
#[derive(Clone, Debug)]
pub struct SocketFailure {
    /// One line for people.
    pub text: String,
    /// The close code that says so: 1009 for a frame too large, 1011 for a missing pong.
    pub code: Option<u16>,
}

/// Limits of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketLimits {
    /// From name lookup to the answer of the upgrade.
    pub open: Duration,
    /// Largest frame and message in bytes.
    pub max_frame_bytes: usize,
    /// Pause between pings, and time for the pong.
    pub ping: Duration,
}

/// A socket that could not be opened.
pub type OpenFailure = machine::OpenFailure;
