//! What can happen to the machine.

use std::sync::Arc;
use std::time::Duration;

use super::output::Token;
use crate::types::RawJson;

/// Numbers the sockets of a client.
pub type Generation = u64;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// Connect now.
    Connect,
    /// The socket is open.
    Opened {
        /// Which socket.
        generation: Generation,
    },
    /// The socket could not be opened.
    OpenFailed {
        /// Which socket.
        generation: Generation,
        /// Why.
        failure: OpenFailure,
    },
    /// HELLO was written.
    HelloSent {
        /// Which socket.
        generation: Generation,
    },
    /// A write failed.
    SendFailed {
        /// Which socket.
        generation: Generation,
        /// What was to be written, and why it was not.
        failure: SendFailure,
    },
    /// A frame came.
    Frame {
        /// Which socket.
        generation: Generation,
        /// The frame.
        frame: Frame,
    },
    /// The socket ended; no code means that no close frame came.
    Closed {
        /// Which socket.
        generation: Generation,
        /// Code of the close frame.
        code: Option<u16>,
        /// Its reason.
        reason: String,
    },
    /// The deadline has come.
    Tick,
    /// A page of the backlog came; none when the answer was not an array.
    DrainPage {
        /// Which pass.
        pass: u64,
        /// The rows, or why there are none.
        result: Result<Option<Vec<DrainRow>>, String>,
    },
    /// A cursor was acknowledged.
    AckResult {
        /// Which pass.
        pass: u64,
        /// Why it was not.
        result: Result<(), String>,
    },
    /// A page of a conversation's history came.
    FillPage {
        /// Which fill.
        fill: u64,
        /// Which conversation.
        conversation: Arc<str>,
        /// The rows, or why there are none.
        result: Result<Vec<Row>, String>,
    },
    /// A dispatched message was handled, or not.
    HandlerDone {
        /// Which message.
        token: Token,
        /// Whether it was handled.
        ok: bool,
    },
    /// A handler of messages came or went.
    HandlersChanged {
        /// Whether there is one now.
        has_message_handler: bool,
    },
    /// This process sent a message itself.
    OwnSend {
        /// Where.
        conversation: Arc<str>,
        /// Its position.
        seq: u64,
    },
    /// The application asks for a drain.
    DrainRequested,
    /// The application leaves.
    Shutdown,
}

/// Why a socket could not be opened.
#[derive(Clone, Debug, Default)]
pub struct OpenFailure {
    /// HTTP status of the refusal.
    pub status: Option<u16>,
    /// Its `Retry-After`.
    pub retry_after: Option<Duration>,
    /// One line for people.
    pub text: String,
}

/// What could not be written.
#[derive(Debug)]
pub enum SendFailure {
    /// HELLO; with the peer's close frame if there was one.
    Hello {
        /// One line for people.
        text: String,
        /// Code and reason of the peer's close frame.
        close: Option<(u16, String)>,
    },
    /// Acknowledgements of these messages.
    Acks(Vec<Arc<str>>),
}

/// A frame of the server.
#[derive(Debug)]
pub enum Frame {
    /// The connection is accepted.
    HelloOk(Hello),
    /// A message.
    Message(Row),
    /// Anything else.
    Other {
        /// Its type.
        kind: Arc<str>,
        /// The whole frame.
        raw: RawJson,
    },
}

/// The server's answer to HELLO.
#[derive(Clone, Debug, Default)]
pub struct Hello {
    /// Whose connection it is.
    pub handle: String,
    /// Whether deliveries wait for acknowledgements.
    pub ack_mode: bool,
    /// The server's clock.
    pub server_time: Option<String>,
}

/// What the machine needs to know of a message, taken leniently (R13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The message's id.
    pub id: Option<Arc<str>>,
    /// Its conversation.
    pub conversation: Option<Arc<str>>,
    /// Its position there.
    pub seq: Option<u64>,
    /// The caller's delivery of it.
    pub delivery_id: Option<Arc<str>>,
}

/// A message with its payload.
#[derive(Clone, Debug)]
pub struct Row {
    /// What the machine looks at.
    pub meta: Meta,
    /// What it does not look at.
    pub body: RawJson,
}

/// A row of the backlog.
#[derive(Clone, Debug)]
pub enum DrainRow {
    /// A message.
    Valid(Row),
    /// Something that cannot be handed out; it is never acknowledged.
    Invalid {
        /// Its delivery, if it has one.
        delivery_id: Option<Arc<str>>,
        /// What is wrong with it.
        reason: String,
    },
}
