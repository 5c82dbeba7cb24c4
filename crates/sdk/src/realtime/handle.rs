//! Steering a realtime client.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{oneshot, watch};

use super::client_frame::ClientFrame;
use super::driver::{Command, Guard};
use super::event::{CloseReport, DrainReport};
use crate::error::{Error, ErrorKind, Result};

/// The connection's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Opening a socket.
    Connecting,
    /// Waiting for the server to accept.
    Handshaking,
    /// Connected.
    Online {
        /// Whether deliveries wait for acknowledgements.
        ack_mode: bool,
        /// Since when.
        since: Instant,
    },
    /// Waiting to reconnect.
    Waiting {
        /// Until when.
        until: Instant,
        /// Which reconnect since the last stable connection.
        attempt: u32,
    },
    /// Not connected and not trying; [`Realtime::reconnect_now`] starts afresh.
    Terminal,
    /// Closed for good.
    Closed,
}

impl State {
    /// Whether both are the same state, whatever their times.
    fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// A realtime client; clones steer the same one. It is closed when every clone and its [`Events`](super::Events) are
/// dropped.
#[derive(Clone)]
pub struct Realtime {
    guard: Arc<Guard>,
    state: watch::Receiver<State>,
}

impl Realtime {
    pub(super) fn new(guard: Arc<Guard>, state: watch::Receiver<State>) -> Self {
        Self { guard, state }
    }

    /// Whether frames can be sent now.
    pub fn is_connected(&self) -> bool {
        matches!(self.state(), State::Online { .. })
    }

    /// The connection's state.
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Waits until the connection is in this state; times in it are not compared.
    ///
    /// # Errors
    /// [`ErrorKind::Disposed`] or [`ErrorKind::Terminal`] when it can no longer get there by itself.
    pub async fn wait_for(&self, state: State) -> Result<()> {
        let mut watched = self.state.clone();
        let end = |now: &State| matches!(now, State::Closed | State::Terminal);
        let reached = watched.wait_for(|now| now.is_like(&state) || end(now)).await.map(|now| *now);
        match reached {
            Ok(now) if now.is_like(&state) => Ok(()),
            Ok(State::Terminal) => Err(Error::local(ErrorKind::Terminal, "the realtime client has stopped")),
            Ok(_) | Err(_) => Err(disposed()),
        }
    }

    /// Writes a frame.
    ///
    /// # Errors
    /// [`ErrorKind::WebSocket`] when not connected or when the write fails.
    pub async fn send(&self, frame: ClientFrame) -> Result<()> {
        self.ask(|answer| Command::Send { text: frame.into_text(), answer }).await?
    }

    /// Reads the backlog over HTTP and waits until every row was handled. Needs a client; without one, or while nobody
    /// reads the events, it does nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Disposed`] when the client is closed.
    pub async fn drain(&self) -> Result<DrainReport> {
        self.ask(Command::Drain).await
    }

    /// Connects now instead of waiting; does nothing while connected. After a stop it starts afresh. Resolves when
    /// connected.
    ///
    /// # Errors
    /// Why the attempt failed.
    pub async fn reconnect_now(&self) -> Result<()> {
        self.ask(Command::ReconnectNow).await?
    }

    /// Closes: no further message is handed out, those in hand have 5 s to be settled, the rest goes back to the
    /// server. Drop [`Events`](super::Events) first if nobody will take what is queued.
    ///
    /// # Errors
    /// None today; a client that is already closed reports nothing unsettled.
    pub async fn close(&self) -> Result<CloseReport> {
        let settled = CloseReport { unacked: 0, closed_cleanly: true };
        Ok(self.ask(Command::Close).await.unwrap_or(settled))
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.guard.send(command(answer));
        answered.await.map_err(|_| disposed())
    }
}

fn disposed() -> Error {
    Error::local(ErrorKind::Disposed, "the realtime client was closed; make a new one to connect again")
}

impl fmt::Debug for Realtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Realtime").field("state", &self.state()).finish_non_exhaustive()
    }
}
