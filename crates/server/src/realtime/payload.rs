//! What nodes tell each other about agents, as bytes.
//!
//! A payload is a version, a kind, and the fields of that kind: integers little-endian, texts and lists behind their
//! length. A version or kind that is not known is ignored, and so is whatever stands behind the known fields: nodes
//! of two releases may run side by side.

use std::sync::Arc;

use agentchat_protocol::id::{DeliveryId, MessageId};
use agentchat_protocol::message::LiveFrame;
use agentchat_store::key::{AgentKey, ConversationKey};
use bytes::Bytes;

use super::feed::SyncedPage;
use super::{Control, Event, OwnPublished, Published};

const VERSION: u8 = 1;

const PUBLISHED: u8 = 1;
const OWN: u8 = 2;
const EVENT: u8 = 3;
const CHANGED: u8 = 4;
const SYNCED: u8 = 5;
const ACKED: u8 = 6;
const EVENTS: u8 = 7;
const EVENT_BEHIND: u8 = 8;

/// What another node told.
#[derive(Debug)]
pub(super) enum Told {
    Published(Published),
    Own(OwnPublished),
    Event(AgentKey, Event),
    /// The same frame for all of these.
    Events(Vec<AgentKey>, Event),
    /// A frame that belongs behind a position of the agent's log.
    EventBehind(AgentKey, u64, Event),
    /// What is remembered of the agent is out of date; with a control, its sockets are concerned too.
    Changed(AgentKey, Option<Control>),
    Synced(AgentKey, Box<str>, SyncedPage),
    Acked(AgentKey, u64),
}

/// Why a payload means nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("it is of version {0}")]
    Version(u8),
    #[error("it is of the unknown kind {0}")]
    Kind(u8),
    #[error("it is damaged")]
    Damaged,
}

pub(super) fn published(published: &Published) -> Bytes {
    let Published { recipient, position, epoch, quiet, conversation, seq, message, delivery_id, frame } = published;
    let mut writer = Writer::new(PUBLISHED, 96 + frame.len());
    writer.int(recipient.0).uint(*position).int(*epoch).byte((*quiet).into()).int(conversation.0).uint(*seq);
    writer.bytes(&message.bytes()).bytes(&delivery_id.bytes()).text(&frame.head).text(&frame.tail);
    writer.finish()
}

pub(super) fn own(own: &OwnPublished) -> Bytes {
    let OwnPublished { sender, conversation, seq, frame } = own;
    let mut writer = Writer::new(OWN, 32 + frame.len());
    writer.int(sender.0).int(conversation.0).uint(*seq).text(frame);
    writer.finish()
}

pub(super) fn event(agent: AgentKey, event: &Event) -> Bytes {
    let mut writer = Writer::new(EVENT, 16 + event.text.len());
    writer.int(agent.0).byte(event.droppable.into()).text(&event.text);
    writer.finish()
}

pub(super) fn events(agents: &[AgentKey], event: &Event) -> Bytes {
    let mut writer = Writer::new(EVENTS, 16 + event.text.len() + 8 * agents.len());
    writer.byte(event.droppable.into()).text(&event.text).length(agents.len());
    for agent in agents {
        writer.int(agent.0);
    }
    writer.finish()
}

pub(super) fn event_behind(agent: AgentKey, position: u64, event: &Event) -> Bytes {
    let mut writer = Writer::new(EVENT_BEHIND, 24 + event.text.len());
    writer.int(agent.0).uint(position).byte(event.droppable.into()).text(&event.text);
    writer.finish()
}

pub(super) fn changed(agent: AgentKey, control: Option<Control>) -> Bytes {
    let mut writer = Writer::new(CHANGED, 16);
    writer.int(agent.0).byte(control_code(control));
    writer.finish()
}

pub(super) fn synced(agent: AgentKey, client: &str, page: &SyncedPage) -> Bytes {
    let mut writer = Writer::new(SYNCED, 48 + client.len() + 16 * page.rows.len());
    writer.int(agent.0).text(client).byte(page.short.into()).byte(page.span.is_some().into());
    let (first, last) = page.span.unwrap_or_default();
    writer.uint(first).uint(last).length(page.rows.len());
    for (conversation, seq) in &page.rows {
        writer.int(conversation.0).uint(*seq);
    }
    writer.finish()
}

pub(super) fn acked(agent: AgentKey, position: u64) -> Bytes {
    let mut writer = Writer::new(ACKED, 16);
    writer.int(agent.0).uint(position);
    writer.finish()
}

/// Reads what another node told.
pub(super) fn read(payload: &[u8]) -> Result<Told, Unreadable> {
    let mut reader = Reader(payload);
    let version = reader.byte()?;
    if version != VERSION {
        return Err(Unreadable::Version(version));
    }
    match reader.byte()? {
        PUBLISHED => reader.published().map(Told::Published),
        OWN => reader.own().map(Told::Own),
        EVENT => Ok(Told::Event(reader.agent()?, reader.event()?)),
        EVENTS => {
            let event = reader.event()?;
            Ok(Told::Events(reader.agents()?, event))
        }
        EVENT_BEHIND => Ok(Told::EventBehind(reader.agent()?, reader.uint()?, reader.event()?)),
        CHANGED => Ok(Told::Changed(reader.agent()?, control(reader.byte()?)?)),
        SYNCED => Ok(Told::Synced(reader.agent()?, reader.text()?.into(), reader.page()?)),
        ACKED => Ok(Told::Acked(reader.agent()?, reader.uint()?)),
        kind => Err(Unreadable::Kind(kind)),
    }
}

fn control_code(control: Option<Control>) -> u8 {
    match control {
        None => 0,
        Some(Control::KeyRotated) => 1,
        Some(Control::Suspended) => 2,
        Some(Control::Deleted) => 3,
        Some(Control::PauseChanged) => 4,
    }
}

fn control(code: u8) -> Result<Option<Control>, Unreadable> {
    match code {
        0 => Ok(None),
        1 => Ok(Some(Control::KeyRotated)),
        2 => Ok(Some(Control::Suspended)),
        3 => Ok(Some(Control::Deleted)),
        4 => Ok(Some(Control::PauseChanged)),
        _ => Err(Unreadable::Damaged),
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn new(kind: u8, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend([VERSION, kind]);
        Self(bytes)
    }

    fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn int(&mut self, number: i64) -> &mut Self {
        self.bytes(&number.to_le_bytes())
    }

    fn uint(&mut self, number: u64) -> &mut Self {
        self.bytes(&number.to_le_bytes())
    }

    /// Nothing told is near 4 GiB: frames and pages are bounded.
    fn length(&mut self, length: usize) -> &mut Self {
        self.bytes(&(length as u32).to_le_bytes())
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.length(text.len()).bytes(text.as_bytes())
    }

    fn finish(self) -> Bytes {
        self.0.into()
    }
}

struct Reader<'a>(&'a [u8]);

type Found<T> = Result<T, Unreadable>;

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Found<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Unreadable::Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Found<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Unreadable::Damaged)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Found<u8> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    fn flag(&mut self) -> Found<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Unreadable::Damaged),
        }
    }

    fn int(&mut self) -> Found<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn uint(&mut self) -> Found<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Found<usize> {
        self.array().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    fn text(&mut self) -> Found<&'a str> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Unreadable::Damaged)
    }

    fn agent(&mut self) -> Found<AgentKey> {
        self.int().map(AgentKey)
    }

    fn agents(&mut self) -> Found<Vec<AgentKey>> {
        let count = self.length()?;
        let mut agents = Vec::with_capacity(count.min(self.0.len() / 8));
        for _ in 0..count {
            agents.push(self.agent()?);
        }
        Ok(agents)
    }

    fn conversation(&mut self) -> Found<ConversationKey> {
        self.int().map(ConversationKey)
    }

    fn published(&mut self) -> Found<Published> {
        Ok(Published {
            recipient: self.agent()?,
            position: self.uint()?,
            epoch: self.int()?,
            quiet: self.flag()?,
            conversation: self.conversation()?,
            seq: self.uint()?,
            message: MessageId::from_bytes(self.array()?),
            delivery_id: DeliveryId::from_bytes(self.array()?),
            frame: Arc::new(LiveFrame { head: self.text()?.into(), tail: self.text()?.into() }),
        })
    }

    fn own(&mut self) -> Found<OwnPublished> {
        Ok(OwnPublished {
            sender: self.agent()?,
            conversation: self.conversation()?,
            seq: self.uint()?,
            frame: self.text()?.into(),
        })
    }

    fn event(&mut self) -> Found<Event> {
        Ok(Event { droppable: self.flag()?, text: self.text()?.into() })
    }

    fn page(&mut self) -> Found<SyncedPage> {
        let (short, some) = (self.flag()?, self.flag()?);
        let span = (self.uint()?, self.uint()?);
        let count = self.length()?;
        let mut rows = Vec::with_capacity(count.min(self.0.len() / 16));
        for _ in 0..count {
            rows.push((self.conversation()?, self.uint()?));
        }
        Ok(SyncedPage { span: some.then_some(span), rows, short })
    }
}

#[cfg(test)]
mod tests;
