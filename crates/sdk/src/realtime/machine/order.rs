//! Order within a conversation (R16–R19): what may be released when a message arrives.

use std::sync::Arc;

use super::RealtimeMachine;
use super::arrival::{Source, conversation_of};
use super::conversation::{Anchor, Conversation};
use super::entry::Stage;
use super::output::Token;

/// Own positions remembered of a conversation.
const MOST_OWN: usize = 64;

impl RealtimeMachine {
    pub(super) fn is_buffered(&self, token: Token) -> bool {
        self.entries.get(token).is_some_and(|entry| entry.stage == Stage::Buffered)
    }

    /// The table of R18.
    pub(super) fn place(&mut self, token: Token, source: Source) {
        let Some(entry) = self.entries.get(token) else { return };
        let (Some(key), Some(seq)) = (entry.meta.conversation.clone(), entry.meta.seq) else {
            return self.release(token, false);
        };
        let held = self.drain.holds();
        let lossless = self.lossless();
        let conversation = self.conversations.of(&key);
        match (conversation.anchor, source) {
            (Anchor::None, Source::Fill) => self.release_late(&key, seq, token),
            (Anchor::None, Source::Live) if held => self.buffer(&key, seq, token, source),
            (Anchor::None, _) => self.close_below(&key, seq, token),
            (Anchor::Soft(next) | Anchor::Hard(next), _) if seq < next => self.release_late(&key, seq, token),
            (Anchor::Soft(next) | Anchor::Hard(next), _) if seq == next => self.close_below(&key, seq, token),
            (Anchor::Soft(_), Source::Live) if held => self.buffer(&key, seq, token, source),
            (Anchor::Soft(_), Source::Live | Source::Drain(..)) => self.close_below(&key, seq, token),
            // What is missing between two rows of a complete queue is settled or one's own.
            (Anchor::Hard(_), Source::Drain(..)) if lossless => self.close_below(&key, seq, token),
            (Anchor::Soft(_) | Anchor::Hard(_), _) => self.buffer(&key, seq, token, source),
        }
    }

    /// Out of order, but never lost.
    fn release_late(&mut self, key: &Arc<str>, seq: u64, token: Token) {
        self.conversations.of(key).buffer.remove(&(seq, token));
        self.release(token, true);
    }

    fn buffer(&mut self, key: &Arc<str>, seq: u64, token: Token, source: Source) {
        let conversation = self.conversations.of(key);
        conversation.buffer.insert((seq, token));
        if conversation.anchor.is_hard() {
            self.release_consecutive(key);
        }
        self.watch_gap(key, matches!(source, Source::Drain(..)));
    }

    /// Releases everything up to this message and what follows it without a hole.
    fn close_below(&mut self, key: &Arc<str>, seq: u64, token: Token) {
        let conversation = self.conversations.of(key);
        conversation.buffer.insert((seq, token));
        let above = conversation.buffer.split_off(&(seq.saturating_add(1), Token(0)));
        let below = std::mem::replace(&mut conversation.buffer, above);
        conversation.anchor = Anchor::Hard(seq.saturating_add(1));
        let released: Vec<Token> = below.into_iter().map(|(_, token)| token).chain(consecutive(conversation)).collect();
        self.release_all(released);
        self.watch_gap(key, false);
    }

    /// Releases what now follows without a hole.
    pub(super) fn release_consecutive(&mut self, key: &Arc<str>) {
        let released = consecutive(self.conversations.of(key));
        self.release_all(released);
    }

    pub(super) fn release_all(&mut self, tokens: Vec<Token>) {
        tokens.into_iter().for_each(|token| self.release(token, false));
    }

    /// Hands a message to its lane.
    pub(super) fn release(&mut self, token: Token, late: bool) {
        let Some(entry) = self.entries.get_mut(token) else { return };
        entry.late = late;
        entry.stage = Stage::Queued;
        let lane = conversation_of(&entry.meta);
        self.enqueue(&lane, token);
    }

    /// This process sent a message: its position is no hole (R19).
    pub(super) fn own_send(&mut self, key: &Arc<str>, seq: u64) {
        let Some(conversation) = self.conversations.known(key) else { return };
        if conversation.anchor.next().is_some_and(|next| seq < next) {
            return;
        }
        conversation.own.insert(seq);
        if conversation.own.len() > MOST_OWN {
            conversation.own.pop_first();
        }
        if conversation.anchor.next().is_some() {
            self.release_consecutive(key);
            self.watch_gap(key, false);
        }
    }
}

/// Takes from the buffer what follows without a hole, stepping over own positions while something waits.
fn consecutive(conversation: &mut Conversation) -> Vec<Token> {
    let mut released = Vec::new();
    let Some(mut next) = conversation.anchor.next() else { return released };
    while let Some((seq, token)) = conversation.lowest() {
        if seq <= next {
            conversation.buffer.pop_first();
            released.push(token);
            // An equal position follows at once: two ids at one place are both kept.
            let same = conversation.lowest().is_some_and(|(following, _)| following == seq);
            next = if same { next } else { next.max(seq.saturating_add(1)) };
        } else if conversation.own.contains(&next) {
            next += 1;
        } else {
            break;
        }
    }
    if conversation.anchor.next() != Some(next) {
        conversation.anchor = if conversation.anchor.is_hard() { Anchor::Hard(next) } else { Anchor::Soft(next) };
        conversation.own = conversation.own.split_off(&next);
    }
    released
}
