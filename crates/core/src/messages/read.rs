//! The read cursor (wire.md §7.2): moved by reading a message and by a socket's read acks.

use agentchat_protocol::agent::PausedByOwner;
use agentchat_protocol::frame::MessageRead;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::message::Message;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::WebhookEvent;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{Membership, WANTS_EVENTS};
use agentchat_store::{Tx, Write};

use super::view;
use crate::webhooks::tell;
use crate::{Error, Rejection};

/// Stored envelopes touched by one operation at the most.
const CHUNK: i64 = 1000;

/// Marks one received message, and all before it in its conversation, read.
#[derive(Debug, Clone)]
pub struct ReadMessage {
    pub reader: AgentKey,
    pub handle: Handle,
    pub message: MessageId,
    pub now: Timestamp,
}

/// Moves the cursor of a conversation as far as `through_seq`, or to its newest message. A conversation the reader
/// is not in is passed over.
#[derive(Debug, Clone)]
pub struct ReadThrough {
    pub reader: AgentKey,
    pub handle: Handle,
    pub conversation: ConversationId,
    pub through_seq: u64,
    pub now: Timestamp,
}

/// What moving the cursor did.
#[derive(Debug, Clone, Default)]
pub struct ReadOutcome {
    /// One for each sender who is to be told.
    pub events: Vec<ReadEvent>,
    /// Too much was stored for one operation: run it again.
    pub more: bool,
    /// Webhooks are to be told, too.
    pub queued: bool,
}

impl ReadOutcome {
    /// This outcome following an earlier chunk's: each sender is told once, of its newest message.
    #[must_use]
    pub fn after(mut self, earlier: Self) -> Self {
        let told: Vec<AgentKey> = self.events.iter().map(|event| event.to).collect();
        self.queued |= earlier.queued;
        self.events.extend(earlier.events.into_iter().filter(|event| !told.contains(&event.to)));
        self
    }
}

/// `message.read` for one sender.
#[derive(Debug, Clone)]
pub struct ReadEvent {
    pub to: AgentKey,
    pub frame: MessageRead,
}

/// The answer to reading one message.
#[derive(Debug, Clone)]
pub struct MessageReadOut {
    pub message: Message,
    pub outcome: ReadOutcome,
}

impl Write for ReadMessage {
    type Out = MessageReadOut;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<MessageReadOut, Error> {
        tx.lock_inboxes(&[self.reader]);
        let id = self.message.bytes();
        let now = self.now.as_millis();
        let row = tx
            .message_by_id(self.reader, &id, now)
            .await?
            .filter(|row| row.envelope.is_some_and(|envelope| envelope.recipient == Some(self.reader)))
            .ok_or_else(Rejection::message_not_found)?;
        let conversation =
            tx.membership_by_key(self.reader, row.conversation).await?.ok_or_else(Rejection::message_not_found)?;
        let reader = Reader { key: self.reader, handle: &self.handle, now: self.now };
        let outcome = reader.advance(tx, &conversation, row.seq).await?;
        let row = tx.message_by_id(self.reader, &id, now).await?.ok_or_else(Rejection::message_not_found)?;
        Ok(MessageReadOut { message: view::message(row)?, outcome })
    }
}

impl Write for ReadThrough {
    type Out = ReadOutcome;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<ReadOutcome, Error> {
        tx.lock_inboxes(&[self.reader]);
        let found = tx.membership(self.reader, self.conversation).await?;
        let Some(conversation) = found.filter(Membership::is_active) else { return Ok(ReadOutcome::default()) };
        let through = i64::try_from(self.through_seq).unwrap_or(i64::MAX).min(conversation.last_seq);
        Reader { key: self.reader, handle: &self.handle, now: self.now }.advance(tx, &conversation, through).await
    }
}

struct Reader<'a> {
    key: AgentKey,
    handle: &'a Handle,
    now: Timestamp,
}

impl Reader<'_> {
    async fn advance(&self, tx: &mut Tx<'_>, conversation: &Membership, through: i64) -> Result<ReadOutcome, Error> {
        if through <= conversation.read_seq {
            return Ok(ReadOutcome::default());
        }
        let (reached, more) = self.settle(tx, conversation, through).await?;
        self.move_cursor(tx, conversation, reached).await?;
        let mut outcome = ReadOutcome { more, ..ReadOutcome::default() };
        self.tell(tx, conversation, reached, &mut outcome).await?;
        Ok(outcome)
    }

    /// Takes what is still stored off the queue; answers how far it came.
    async fn settle(&self, tx: &mut Tx<'_>, conversation: &Membership, through: i64) -> Result<(i64, bool), Error> {
        let undelivered = tx.inbox(self.key).await?.map_or(0, |inbox| inbox.undelivered);
        if undelivered == 0 {
            return Ok((through, false));
        }
        let stored =
            tx.stored_in_conversation(self.key, conversation.key, through, CHUNK, self.now.as_millis()).await?;
        let full = stored.len() >= usize::try_from(CHUNK).unwrap_or(usize::MAX);
        let reached = if full { stored.last().map_or(through, |(_, seq)| *seq) } else { through };
        let mut settled = 0;
        for (message, _) in &stored {
            settled += i64::from(tx.settle(self.key, *message, self.now.as_millis()).await?);
        }
        tx.count_settled(self.key, settled).await?;
        Ok((reached, full && reached < through))
    }

    async fn move_cursor(&self, tx: &mut Tx<'_>, conversation: &Membership, through: i64) -> Result<(), Error> {
        let floor = conversation.floor();
        let (base, hidden) = if through >= conversation.last_seq {
            (conversation.received, 0)
        } else if through > floor {
            let (received, hidden) = tx.received_between(self.key, conversation.key, floor, through).await?;
            (conversation.received_base + received, conversation.hidden_unread - hidden)
        } else {
            (conversation.received_base, conversation.hidden_unread)
        };
        tx.move_read_cursor(self.key, conversation.key, through, base, hidden, self.now.as_millis()).await?;
        Ok(())
    }

    /// For each sender the newest message that turned read now, unless the sender is not to be told.
    async fn tell(
        &self,
        tx: &mut Tx<'_>,
        conversation: &Membership,
        through: i64,
        outcome: &mut ReadOutcome,
    ) -> Result<(), Error> {
        let read = match conversation.pair() {
            Some(pair) => self.newest_of_other(tx, conversation, pair.other, through).await?,
            None => tx.newest_of_each(conversation.key, self.key, conversation.read_seq, through).await?,
        };
        for (to, id, seq) in read {
            let inbox = tx.inbox(to).await?.filter(|inbox| inbox.paused != PausedByOwner::Full);
            let Some(inbox) = inbox else { continue };
            let frame = self.frame(conversation, id, seq);
            if inbox.hooks & WANTS_EVENTS != 0 {
                let seed = self.seed(id);
                outcome.queued |= tell(tx, to, &WebhookEvent::MessageRead, &frame, &seed, self.now).await?;
            }
            outcome.events.push(ReadEvent { to, frame });
        }
        Ok(())
    }

    /// A message is the newest that an agent read once only.
    fn seed(&self, message: [u8; 16]) -> [u8; 16] {
        (u128::from_be_bytes(message) ^ u128::from(self.key.0.unsigned_abs())).to_be_bytes()
    }

    async fn newest_of_other(
        &self,
        tx: &mut Tx<'_>,
        conversation: &Membership,
        other: AgentKey,
        through: i64,
    ) -> Result<Vec<(AgentKey, [u8; 16], i64)>, Error> {
        let newest = tx.newest_from(conversation.key, other, self.key, conversation.read_seq, through).await?;
        let Some((id, seq)) = newest else { return Ok(Vec::new()) };
        let blocked = tx.is_blocked_between(self.key, other).await?;
        Ok(if blocked { Vec::new() } else { vec![(other, id, seq)] })
    }

    fn frame(&self, conversation: &Membership, id: [u8; 16], seq: i64) -> MessageRead {
        MessageRead::new(MessageId::from_bytes(id), conversation.id, seq, self.handle.clone(), self.now)
    }
}
