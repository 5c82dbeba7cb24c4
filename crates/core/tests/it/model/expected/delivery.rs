//! Envelopes: what waits, what is delivered, read, hidden and expired (wire.md §6, §7, extensions.md X3).

use agentchat_protocol::id::{ConversationId, MessageId};
use serde_json::{Value, json};

use super::views::time;
use super::{Answer, Model, Pause, Said, Who, refused};
use crate::model::script::{Cursor, NAMES};

impl Model {
    /// Envelopes in `stored` whose time has not passed.
    pub(super) fn undelivered(&self, who: Who) -> usize {
        self.waiting(who).len()
    }

    /// What waits for somebody in the order of its log: conversation and seq.
    pub(super) fn waiting(&self, who: Who) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for (at, conversation) in self.conversations.iter().enumerate() {
            for (index, message) in conversation.messages.iter().enumerate() {
                let envelope = message.envelope(who).filter(|envelope| message.waits(envelope, self.now));
                found.extend(envelope.map(|envelope| (envelope.place, at, index + 1)));
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, at, seq)| (at, seq)).collect()
    }

    /// Delivers what waits for somebody where `which` says so; answers how many.
    pub(super) fn settle_where(&mut self, who: Who, at: i64, which: impl Fn(usize, &Said) -> bool) -> usize {
        let (now, mut settled) = (self.now, 0);
        for (index, conversation) in self.conversations.iter_mut().enumerate() {
            for message in &mut conversation.messages {
                let waits = message.envelope(who).is_some_and(|envelope| message.waits(envelope, now));
                if !waits || !which(index, message) {
                    continue;
                }
                self.touched.insert(message.sender);
                self.touched_in.insert(conversation.id);
                for envelope in message.envelopes.iter_mut().filter(|envelope| envelope.to == who) {
                    envelope.delivered_at = Some(at);
                }
                settled += 1;
            }
        }
        self.touched.insert(who);
        settled
    }

    pub(super) fn ack(&mut self, who: Who, messages: &[MessageId]) -> Value {
        let now = self.now;
        json!({ "settled": self.settle_where(who, now, |_, message| messages.contains(&message.id)) })
    }

    pub(super) fn ack_through(&mut self, who: Who, cursor: Cursor) -> Value {
        let place = self.place(who, cursor);
        let (Some(place), false) = (place, self.agent(who).pause == Pause::Full) else {
            return json!({ "acked": 0 });
        };
        let now = self.now;
        let before = |_, message: &Said| message.envelope(who).is_some_and(|envelope| envelope.place <= place);
        json!({ "acked": self.settle_where(who, now, before) })
    }

    /// Where a cursor of one's own stands; none for foreign and forged ones.
    fn place(&self, who: Who, cursor: Cursor) -> Option<u64> {
        match cursor {
            Cursor::Delivery { of, message } if of == who => {
                let (at, index) = self.find_message(message)?;
                self.conversations[at].messages[index].envelope(who).map(|envelope| envelope.place)
            }
            _ => None,
        }
    }

    pub(super) fn sync(&self, who: Who, after: Option<Cursor>, limit: usize) -> Value {
        if self.agent(who).pause == Pause::Full {
            return json!([]);
        }
        let after = match after.map(|cursor| self.place(who, cursor)) {
            None => 0,
            Some(Some(place)) => place,
            Some(None) => return json!([]),
        };
        self.sync_rows(who, after, limit)
    }

    pub(super) fn sync_rows(&self, who: Who, after: u64, limit: usize) -> Value {
        let waiting = self.waiting(who).into_iter();
        let rows = waiting.filter(|(at, seq)| {
            let message = &self.conversations[*at].messages[seq - 1];
            message.envelope(who).is_some_and(|envelope| envelope.place > after)
        });
        rows.take(limit).map(|(at, seq)| self.row(who, at, seq)).collect()
    }

    pub(super) fn read(&mut self, who: Who, id: MessageId) -> Answer {
        let found = self.find_kept(id);
        let received = |(at, index): &(usize, usize)| self.conversations[*at].messages[*index].envelope(who).is_some();
        let (at, index) = found.filter(received).ok_or_else(|| refused("MESSAGE_NOT_FOUND"))?;
        let events = self.move_cursor(who, at, index + 1);
        Ok(json!({ "message": self.message(who, at, index + 1), "events": events }))
    }

    pub(super) fn read_through(&mut self, who: Who, id: ConversationId, seq: u64) -> Answer {
        let found = self.find_conversation(id).filter(|at| self.is_member(*at, who));
        let Some(at) = found else { return Ok(json!({ "events": [] })) };
        let newest = self.conversations[at].messages.len();
        let through = usize::try_from(seq).unwrap_or(usize::MAX).min(newest);
        Ok(json!({ "events": self.move_cursor(who, at, through) }))
    }

    /// Moves the cursor forward; answers what senders are told.
    fn move_cursor(&mut self, who: Who, at: usize, through: usize) -> Value {
        let now = self.now;
        let conversation = &mut self.conversations[at];
        let seat = conversation.seat_mut(who);
        if through <= seat.read_through {
            return json!([]);
        }
        seat.read_through = through;
        self.touched.insert(who);
        self.touched_in.insert(conversation.id);
        let mut newest: std::collections::BTreeMap<&str, (Who, usize)> = std::collections::BTreeMap::new();
        for (index, message) in conversation.messages.iter_mut().enumerate().take(through) {
            let gone = message.envelope(who).is_none_or(|envelope| message.expired(envelope, now));
            if gone || message.is_empty {
                continue;
            }
            for envelope in message.envelopes.iter_mut().filter(|one| one.to == who && one.read_at.is_none()) {
                envelope.delivered_at.get_or_insert(now);
                envelope.read_at = Some(now);
                self.touched.insert(message.sender);
                if message.kind != "system" {
                    newest.insert(NAMES[message.sender], (message.sender, index + 1));
                }
            }
        }
        let told = newest.into_values().filter(|(to, _)| self.is_told_of_reading(*to, who, at));
        told.map(|(to, seq)| self.read_event(to, who, at, seq)).collect()
    }

    fn is_told_of_reading(&self, sender: Who, reader: Who, at: usize) -> bool {
        let across_a_block = self.conversations[at].group().is_none() && self.is_blocked_between(sender, reader);
        self.agent(sender).pause != Pause::Full && !across_a_block
    }

    fn read_event(&self, to: Who, reader: Who, at: usize, seq: usize) -> Value {
        let conversation = &self.conversations[at];
        json!({
            "to": NAMES[to],
            "message_id": conversation.messages[seq - 1].id,
            "conversation_id": conversation.id,
            "seq": seq,
            "read_by": NAMES[reader],
            "read_at": time(self.now),
            "through_seq": seq,
            "reader": NAMES[reader],
            "at": time(self.now),
        })
    }

    pub(super) fn hide_message(&mut self, who: Who, id: MessageId) -> Answer {
        let (at, index) = self.find_kept(id).ok_or_else(|| refused("MESSAGE_NOT_FOUND"))?;
        let conversation = &self.conversations[at];
        let message = &conversation.messages[index];
        let seat = conversation.seats.get(&who).ok_or_else(|| refused("MESSAGE_NOT_FOUND"))?;
        let sees = self.is_member(at, who) && index + 1 >= seat.joined_seq;
        if message.sender != who && message.envelope(who).is_none() && !sees {
            return Err(refused("MESSAGE_NOT_FOUND"));
        }
        self.conversations[at].seat_mut(who).hidden.insert(index + 1);
        let now = self.now;
        self.settle_where(who, now, |_, message| message.id == id);
        self.touched_in.insert(self.conversations[at].id);
        Ok(json!({}))
    }

    pub(super) fn hide_conversation(&mut self, who: Who, id: ConversationId) -> Answer {
        let at = self.enter(who, id, "CONVERSATION_NOT_FOUND")?;
        let now = self.now;
        self.conversations[at].seat_mut(who).hidden_at = Some(now);
        self.touched_in.insert(id);
        Ok(json!({}))
    }

    /// Unread seqs of a conversation: received, visible, above the cursor.
    pub(super) fn unread(&self, who: Who, at: usize) -> Vec<usize> {
        let conversation = &self.conversations[at];
        let seat = &conversation.seats[&who];
        let received = conversation.messages.iter().enumerate().filter(|(_, message)| message.envelope(who).is_some());
        let seqs = received.map(|(index, message)| (index + 1, message));
        seqs.filter(|(seq, message)| *seq > seat.read_through && seat.shows(*seq, message))
            .map(|(seq, _)| seq)
            .collect()
    }
}
