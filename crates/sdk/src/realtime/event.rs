//! What a realtime client tells its application.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::delivery::Delivery;
use super::machine::{DrainSummary, Gap, GapReason};
use crate::error::{Error, Result};
use crate::types::{
    ConversationId, DeletedGroup, DeliveryId, GroupInvitation, MessageRead, PresenceBroadcast, RawJson, Timestamp,
    Typing,
};

/// An item of [`Events`](super::Events).
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The connection is accepted.
    Connected(Connected),
    /// A connection ended; the next one follows by itself.
    Disconnected(Disconnected),
    /// A message to be handled.
    Message(Delivery),
    /// Somebody read own messages.
    MessageRead(MessageRead),
    /// A contact's presence changed.
    Presence(PresenceBroadcast),
    /// Somebody began composing.
    TypingStart(Typing),
    /// Somebody stopped composing.
    TypingStop(Typing),
    /// An invitation into a group.
    GroupInvite(GroupInvitation),
    /// A group was deleted.
    GroupDeleted(DeletedGroup),
    /// The own send budget runs low.
    RateLimitWarning(RawFrame),
    /// Any other frame.
    Other(RawFrame),
    /// A hole in a conversation's positions was closed or passed over.
    Gap(SequenceGap),
    /// Something failed and is tried again.
    Error(Error),
    /// Events of a type came faster than they were taken; the oldest were dropped. Messages never are.
    Lagged {
        /// Their type.
        event_type: String,
        /// How many.
        dropped: u64,
    },
    /// The client stopped for good; the stream ends.
    Terminal(Error),
}

/// The connection is accepted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Connected {
    /// Whose connection it is.
    pub handle: String,
    /// Whether deliveries wait for acknowledgements.
    pub ack_mode: bool,
    /// The server's clock.
    pub server_time: Option<Timestamp>,
    /// Whether it is this client's first.
    pub first: bool,
}

/// A connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disconnected {
    /// Close code; 1006 when no close frame came.
    pub code: u16,
    /// The server's reason.
    pub reason: String,
    /// Whether the code is 1000.
    pub clean: bool,
}

/// A hole in a conversation's positions.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SequenceGap {
    /// Where.
    pub conversation_id: ConversationId,
    /// The position that was missing.
    pub expected_seq: u64,
    /// The lowest position that waited behind it; none when it was closed.
    pub buffered_seq: Option<u64>,
    /// How long that one waited.
    pub waited: Duration,
    /// Whether everything missing was found.
    pub recovered: bool,
    /// How it ended.
    pub reason: GapReason,
    /// Positions that were passed over; should they come, they come late.
    pub missing: Vec<RangeInclusive<u64>>,
}

impl From<Gap> for SequenceGap {
    fn from(gap: Gap) -> Self {
        Self {
            conversation_id: gap.conversation.into(),
            expected_seq: gap.expected_seq,
            buffered_seq: gap.buffered_seq,
            waited: gap.waited,
            recovered: gap.recovered,
            reason: gap.reason,
            missing: gap.missing,
        }
    }
}

/// A frame as it came.
#[derive(Clone, Debug)]
pub struct RawFrame {
    kind: Arc<str>,
    raw: RawJson,
}

impl RawFrame {
    /// The frame's type.
    pub fn event_type(&self) -> &str {
        &self.kind
    }

    /// The whole frame.
    pub fn raw(&self) -> &RawJson {
        &self.raw
    }

    /// The frame's payload, decoded.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind) when it is missing or of another shape.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T> {
        #[derive(serde::Deserialize)]
        struct Payload<T> {
            payload: T,
        }
        self.raw.parse::<Payload<T>>().map(|frame| frame.payload)
    }
}

impl Event {
    /// The event of a frame other than a message; one that has not the documented shape is passed on as it is.
    pub(super) fn of_frame(kind: Arc<str>, raw: RawJson) -> Self {
        let frame = RawFrame { kind, raw };
        let typed = match frame.event_type() {
            "message.read" => frame.payload().map(Self::MessageRead),
            "presence.update" => frame.payload().map(Self::Presence),
            "typing.start" => frame.payload().map(Self::TypingStart),
            "typing.stop" => frame.payload().map(Self::TypingStop),
            "group.invite.received" => frame.payload().map(Self::GroupInvite),
            "group.deleted" => frame.payload().map(Self::GroupDeleted),
            "rate_limit.warning" => return Self::RateLimitWarning(frame),
            _ => return Self::Other(frame),
        };
        typed.unwrap_or(Self::Other(frame))
    }
}

/// What a drain did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainReport {
    /// Rows read.
    pub rows: u64,
    /// Rows whose message was handed out.
    pub dispatched: u64,
    /// Rows whose message was not handled.
    pub failed: u64,
    /// Rows that could not be handed out.
    pub invalid: u64,
    /// The last delivery acknowledged.
    pub acked_through: Option<DeliveryId>,
}

impl From<DrainSummary> for DrainReport {
    fn from(summary: DrainSummary) -> Self {
        Self {
            rows: summary.rows,
            dispatched: summary.dispatched,
            failed: summary.failed,
            invalid: summary.invalid,
            acked_through: summary.acked_through.map(DeliveryId::from),
        }
    }
}

/// How a client left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// Messages in hand that went back to the server unacknowledged.
    pub unacked: u64,
    /// Whether the server answered the close frame, or there was no socket.
    pub closed_cleanly: bool,
}
