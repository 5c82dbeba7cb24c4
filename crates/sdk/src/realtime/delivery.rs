//! A message in the hands of the application.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::UnboundedSender;

use super::driver::Command;
use super::machine::{Message as Dispatched, Origin, Token};
use crate::error::{Error, Result};
use crate::types::{ConversationId, DeliveryId, Message, MessageId, RawJson};

/// A message to be handled. [`ack`](Self::ack) it when it was; [`nack`](Self::nack) it or drop it when it was not, and
/// it is offered again. The next message of its conversation comes after that.
#[must_use = "a delivery that is dropped counts as not handled"]
pub struct Delivery {
    token: Token,
    id: Option<MessageId>,
    conversation_id: Option<ConversationId>,
    seq: Option<u64>,
    delivery_id: Option<DeliveryId>,
    body: RawJson,
    origin: Origin,
    late: bool,
    attempt: u32,
    decoded: OnceLock<Result<Box<Message>>>,
    settled: AtomicBool,
    session: UnboundedSender<Command>,
}

impl Delivery {
    pub(super) fn new(message: Dispatched, session: UnboundedSender<Command>) -> Self {
        Self {
            token: message.token,
            id: message.meta.id.map(MessageId::from),
            conversation_id: message.meta.conversation.map(ConversationId::from),
            seq: message.meta.seq,
            delivery_id: message.meta.delivery_id.map(DeliveryId::from),
            body: message.body,
            origin: message.origin,
            late: message.late,
            attempt: message.attempt,
            decoded: OnceLock::new(),
            settled: AtomicBool::new(false),
            session,
        }
    }

    /// The message's id.
    pub fn id(&self) -> Option<&MessageId> {
        self.id.as_ref()
    }

    /// Its conversation.
    pub fn conversation_id(&self) -> Option<&ConversationId> {
        self.conversation_id.as_ref()
    }

    /// Its position in the conversation.
    pub fn seq(&self) -> Option<u64> {
        self.seq
    }

    /// The own delivery of it.
    pub fn delivery_id(&self) -> Option<&DeliveryId> {
        self.delivery_id.as_ref()
    }

    /// Where it came from first.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether it comes after messages that followed it.
    pub fn late(&self) -> bool {
        self.late
    }

    /// 1, and one more for each time it was not handled in this process.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The message, decoded once.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind) when it has another shape than documented; [`raw`](Self::raw) has it
    /// as it came.
    pub fn message(&self) -> Result<&Message> {
        self.decoded.get_or_init(|| self.body.parse()).as_deref().map_err(Error::clone)
    }

    /// The message as it came.
    pub fn raw(&self) -> &RawJson {
        &self.body
    }

    /// The message was handled: it is settled at the server.
    pub fn ack(self) {
        self.settle(true);
    }

    /// The message was not handled: it is offered again.
    pub fn nack(self) {
        self.settle(false);
    }

    /// Tells the session once; one that has ended needs no telling.
    pub(super) fn settle(&self, ok: bool) {
        if !self.settled.swap(true, Ordering::Relaxed) {
            self.session.send(Command::HandlerDone { token: self.token, ok }).ok();
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.settle(false);
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Delivery")
            .field("id", &self.id)
            .field("conversation_id", &self.conversation_id)
            .field("seq", &self.seq)
            .field("origin", &self.origin)
            .field("late", &self.late)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
