//! What the machine wants done.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::Now;
use super::conversation::GapReason;
use super::input::{Generation, Hello, Meta};
use crate::types::RawJson;

/// Numbers the dispatched messages of a client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Token(pub(super) u64);

/// What to do.
#[derive(Debug)]
pub enum Output {
    /// Open a socket.
    Open {
        /// Its number.
        generation: Generation,
    },
    /// Write HELLO; the machine does not know the key.
    SendHello {
        /// On which socket.
        generation: Generation,
    },
    /// Acknowledge a message on the socket.
    SendAck {
        /// On which socket.
        generation: Generation,
        /// Which message.
        message_id: Arc<str>,
    },
    /// Close a socket and forget it; if it is still being opened, give that up.
    Close {
        /// Which socket.
        generation: Generation,
        /// Close code.
        code: u16,
        /// Reason.
        reason: &'static str,
    },
    /// Stop or go on reading the socket.
    PauseReading(bool),
    /// Ask for a page of the backlog.
    FetchDrain {
        /// For which pass.
        pass: u64,
        /// At most so many rows.
        limit: u32,
        /// Behind this delivery.
        after: Option<Arc<str>>,
    },
    /// Give up what was asked for this pass.
    CancelDrain {
        /// Which pass.
        pass: u64,
    },
    /// Acknowledge the backlog up to this delivery.
    SyncAck {
        /// For which pass.
        pass: u64,
        /// Up to and including.
        cursor: Arc<str>,
    },
    /// Ask for a page of a conversation's history.
    FetchFill {
        /// For which fill.
        fill: u64,
        /// Which conversation.
        conversation: Arc<str>,
        /// Behind this position.
        after_seq: u64,
        /// At most so many rows.
        limit: u32,
    },
    /// Hand a message to the handler, then say [`Input::HandlerDone`](super::Input::HandlerDone).
    Dispatch(Message),
    /// The connection is accepted.
    Connected {
        /// What the server said.
        hello: Hello,
        /// Whether it is the client's first.
        first: bool,
    },
    /// A socket that was open has ended.
    Disconnected {
        /// Its code; 1006 without a close frame.
        code: u16,
        /// Its reason.
        reason: String,
    },
    /// An event other than a message.
    Event {
        /// Its type.
        kind: Arc<str>,
        /// The whole frame.
        raw: RawJson,
    },
    /// A hole was closed or given up.
    Gap(Gap),
    /// Something failed that is tried again.
    Error(String),
    /// Something failed for good; nothing is tried any more.
    Terminal(String),
    /// For the log.
    Warning(String),
    /// A drain has ended.
    DrainDone(DrainSummary),
    /// The shutdown is complete.
    ShutdownDone(CloseSummary),
}

/// A message for the handler.
#[derive(Clone, Debug)]
pub struct Message {
    /// Names it in [`Input::HandlerDone`](super::Input::HandlerDone).
    pub token: Token,
    /// What the machine knows of it.
    pub meta: Meta,
    /// Its payload.
    pub body: RawJson,
    /// Where it came from first.
    pub origin: Origin,
    /// Whether it comes out of order.
    pub late: bool,
    /// 1 and one more for each earlier failure.
    pub attempt: u32,
}

/// Where a message came from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// The socket.
    Live,
    /// The backlog.
    Drain,
    /// The history, to close a hole.
    GapFill,
}

/// A hole in a conversation's positions, closed or given up (R22).
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// Where.
    pub conversation: Arc<str>,
    /// The position that was missing.
    pub expected_seq: u64,
    /// The lowest position that waited behind the hole; none when it was closed.
    pub buffered_seq: Option<u64>,
    /// How long that one waited.
    pub waited: Duration,
    /// Whether everything missing was found.
    pub recovered: bool,
    /// How it ended.
    pub reason: GapReason,
    /// Positions that were passed over.
    pub missing: Vec<RangeInclusive<u64>>,
}

/// What a drain did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrainSummary {
    /// Rows read.
    pub rows: u64,
    /// Rows whose message was handed out.
    pub dispatched: u64,
    /// Rows whose handler failed.
    pub failed: u64,
    /// Rows that could not be handed out.
    pub invalid: u64,
    /// The last delivery acknowledged.
    pub acked_through: Option<Arc<str>>,
}

/// How a client left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloseSummary {
    /// Messages in hand that were given back unacknowledged.
    pub unacked: u64,
    /// Whether the peer answered the close frame, or there was no socket.
    pub closed_cleanly: bool,
}

/// The state of the connection, for those who watch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phase {
    /// Opening a socket.
    Connecting,
    /// Waiting for `hello.ok`.
    Handshaking,
    /// Connected.
    Online {
        /// Whether deliveries wait for acknowledgements.
        ack_mode: bool,
        /// Since when.
        since: Now,
    },
    /// Waiting to reconnect.
    Waiting {
        /// Until when.
        until: Now,
        /// Which reconnect.
        attempt: u32,
    },
    /// Not connected and not trying.
    Stopped,
    /// Left.
    Closed,
}
