//! What follows when a message was handled, or not (R27–R29).

use std::sync::Arc;

use super::RealtimeMachine;
use super::arrival::conversation_of;
use super::entry::{Entry, Stage};
use super::memory::Failed;
use super::output::{Output, Token};

impl RealtimeMachine {
    pub(super) fn handler_done(&mut self, token: Token, ok: bool) {
        if self.entries.get(token).is_none_or(|entry| entry.stage != Stage::Running) {
            return;
        }
        let Some(entry) = self.entries.remove(token) else { return };
        let lane = conversation_of(&entry.meta);
        if ok {
            self.handled(entry);
        } else {
            self.failed(entry);
        }
        self.free_lane(&lane);
        self.advance_drain();
    }

    fn handled(&mut self, entry: Entry) {
        self.memory.record_done(&entry.meta);
        if let (Some(conversation), Some(seq), true) =
            (&entry.meta.conversation, entry.meta.seq, self.memory.keeps_done())
        {
            self.conversations.of(conversation).done.insert(seq);
        }
        for (pass, index) in entry.rows {
            self.drain.settle(pass, index, true);
            if entry.owes_ack {
                self.drain.acked_on_socket(pass, index);
            }
        }
        if entry.owes_ack {
            self.acknowledge(entry.meta.id);
        }
    }

    fn failed(&mut self, entry: Entry) {
        let failed = Failed { attempts: entry.attempt, owes_ack: entry.owes_ack };
        if let Some(key) = entry.key().cloned() {
            self.memory.record_failed(key, failed);
        }
        for (pass, index) in entry.rows {
            self.drain.fail(pass, index);
        }
        self.schedule_redrain();
    }

    /// Acknowledges a message on the socket, now or after the next connection.
    pub(super) fn acknowledge(&mut self, id: Option<Arc<str>>) {
        let Some(message_id) = id else { return };
        match self.online() {
            Some((generation, true)) => self.emit(Output::SendAck { generation, message_id }),
            Some((_, false)) => {}
            None => self.keep_acks(vec![message_id]),
        }
    }

    pub(super) fn keep_acks(&mut self, ids: Vec<Arc<str>>) {
        self.unsent_acks.extend(ids);
        while self.unsent_acks.len() > self.options.tuning.unsent_acks {
            self.unsent_acks.pop_front();
        }
    }

    pub(super) fn flush_acks(&mut self) {
        let Some((generation, _)) = self.online() else { return };
        for message_id in std::mem::take(&mut self.unsent_acks) {
            self.emit(Output::SendAck { generation, message_id });
        }
    }
}
