//! Copies of messages: which are the same, which were handled, which are new (R14, R15, R31).

use std::sync::Arc;

use super::RealtimeMachine;
use super::conversation::Anchor;
use super::input::{Meta, Row};
use super::memory::Key;
use super::output::{Origin, Output, Token};

/// How a copy came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    Live,
    /// Row of the backlog: pass and index.
    Drain(u64, usize),
    Fill,
}

impl Source {
    fn origin(self) -> Origin {
        match self {
            Self::Live => Origin::Live,
            Self::Drain(..) => Origin::Drain,
            Self::Fill => Origin::GapFill,
        }
    }
}

/// What is known of a message when a copy comes.
pub(super) enum Known {
    New,
    InHand(Token),
    Done,
    Failed,
}

/// The lane of messages that name no conversation.
pub(super) fn conversation_of(meta: &Meta) -> Arc<str> {
    meta.conversation.clone().unwrap_or_else(|| Arc::from(""))
}

impl RealtimeMachine {
    pub(super) fn live(&mut self, row: Row) {
        match self.known(&row.meta) {
            Known::New | Known::Failed if self.is_full() && !self.make_room() => self.overloaded(row),
            Known::New | Known::Failed => self.admit(row, Source::Live),
            Known::InHand(token) => self.merge(token, Source::Live),
            Known::Done => self.acknowledge(row.meta.id),
        }
    }

    pub(super) fn drained(&mut self, row: Row, pass: u64, index: usize) {
        match self.known(&row.meta) {
            Known::New | Known::Failed => self.admit(row, Source::Drain(pass, index)),
            Known::InHand(token) => self.merge(token, Source::Drain(pass, index)),
            Known::Done => self.drain.settle(pass, index, false),
        }
    }

    pub(super) fn known(&mut self, meta: &Meta) -> Known {
        let Some(key) = Key::of(meta) else { return Known::New };
        if let Some(token) = self.entries.find(&key) {
            return Known::InHand(token);
        }
        if self.memory.has_failed(&key) {
            return Known::Failed;
        }
        if meta.id.as_ref().is_some_and(|id| self.memory.was_handled(id)) || self.place_was_handled(meta) {
            return Known::Done;
        }
        Known::New
    }

    /// Whether the message's place was handled, and not by a message with another id.
    fn place_was_handled(&self, meta: &Meta) -> bool {
        let (Some(conversation), Some(seq)) = (&meta.conversation, meta.seq) else { return false };
        if !self.conversations.get(conversation).is_some_and(|found| found.done.contains(seq)) {
            return false;
        }
        match (&meta.id, self.memory.id_at(conversation, seq)) {
            (Some(id), Some(handled)) => id == handled,
            _ => true,
        }
    }

    /// Takes a message into hand.
    fn admit(&mut self, row: Row, source: Source) {
        let token = self.enter(row, source);
        self.place(token, source);
    }

    pub(super) fn enter(&mut self, row: Row, source: Source) -> Token {
        let key = Key::of(&row.meta);
        let failed = key.as_ref().and_then(|key| self.memory.take_failed(key)).unwrap_or_default();
        let token = self.entries.insert(row, key, source.origin(), self.now);
        if let Some(entry) = self.entries.get_mut(token) {
            entry.attempt = failed.attempts + 1;
            entry.owes_ack = failed.owes_ack;
        }
        self.attach(token, source);
        token
    }

    /// Remembers on the entry what the copy is owed when it is handled.
    fn attach(&mut self, token: Token, source: Source) {
        let Some(entry) = self.entries.get_mut(token) else { return };
        match source {
            Source::Live | Source::Fill => entry.owes_ack = true,
            Source::Drain(pass, index) => entry.rows.push((pass, index)),
        }
    }

    /// Another copy of a message in hand: never a second dispatch, but it counts as an arrival for the order.
    fn merge(&mut self, token: Token, source: Source) {
        self.attach(token, source);
        if self.is_buffered(token) {
            self.place(token, source);
        }
    }

    fn is_full(&self) -> bool {
        let tuning = &self.options.tuning;
        self.entries.len() >= tuning.pending_limit || self.entries.bytes() >= tuning.pending_bytes
    }

    /// Too much is in hand: the newest arrival goes back to the server, or reading stops (R31).
    fn overloaded(&mut self, row: Row) {
        let ack_mode = self.online().is_some_and(|(_, ack_mode)| ack_mode);
        if (ack_mode && self.options.rest) || !self.has_handler {
            if !self.shed {
                self.warn("too many messages in hand; new ones are left at the server");
            }
            self.shed = true;
            if let Some(conversation) = row.meta.conversation.as_ref().and_then(|key| self.conversations.known(key)) {
                conversation.anchor = conversation.anchor.next().map_or(Anchor::None, Anchor::Soft);
            }
            return;
        }
        if !self.reading_paused {
            self.reading_paused = true;
            self.emit(Output::PauseReading(true));
        }
        self.admit(row, Source::Live);
    }

    /// Undoes what overload did once half of the limit is free.
    pub(super) fn relieve(&mut self) {
        let tuning = &self.options.tuning;
        let relieved =
            self.entries.len() <= tuning.pending_limit / 2 && self.entries.bytes() <= tuning.pending_bytes / 2;
        if !relieved || self.is_shutting_down() {
            return;
        }
        if self.reading_paused {
            self.reading_paused = false;
            self.emit(Output::PauseReading(false));
        }
        if std::mem::take(&mut self.shed) && self.options.rest {
            self.owe_pass();
        }
    }
}
