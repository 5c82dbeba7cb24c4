//! Leaving: what is in hand is finished, everything else goes back to the server (R41).

use super::conversation::GapReason;
use super::entry::Stage;
use super::input::Generation;
use super::output::{CloseSummary, Output};
use super::timers::Timer;
use super::{Now, RealtimeMachine};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shutdown {
    None,
    /// Handlers finish.
    Finishing,
    /// The closing handshake.
    Closing(Generation),
    Done,
}

impl RealtimeMachine {
    /// Whether the client leaves, or has left.
    pub fn is_leaving(&self) -> bool {
        self.is_shutting_down()
    }

    pub(super) fn is_shutting_down(&self) -> bool {
        self.shutdown != Shutdown::None
    }

    pub(super) fn is_closed(&self) -> bool {
        self.shutdown == Shutdown::Done
    }

    pub(super) fn begin_shutdown(&mut self) {
        if self.is_shutting_down() {
            return;
        }
        self.shutdown = Shutdown::Finishing;
        self.timers.cancel_all();
        self.stop_drain();
        self.release_waiting();
        self.leave();
        self.timers.set(Timer::Grace, self.now + self.options.tuning.grace);
        self.advance_drain();
    }

    /// Held messages are dropped when the server offers them again; behind holes they are released.
    fn release_waiting(&mut self) {
        let held = self.clear_hold();
        let lossless = self.lossless();
        for key in self.conversations.buffered(|_| Now::ZERO) {
            let is_hard = self.conversations.of(&key).anchor.is_hard();
            if held && !is_hard && lossless {
                let buffer = std::mem::take(&mut self.conversations.of(&key).buffer);
                buffer.into_iter().for_each(|(_, token)| self.drop_entry(token));
            } else {
                self.give_up(&key, GapReason::FillUnavailable);
            }
        }
        if !self.has_handler {
            self.drop_queued();
        }
    }

    fn drop_queued(&mut self) {
        self.clear_queued();
        for token in self.entries.tokens() {
            if self.entries.get(token).is_some_and(|entry| entry.stage != Stage::Running) {
                self.drop_entry(token);
            }
        }
    }

    fn drop_entry(&mut self, token: super::Token) {
        if let Some(entry) = self.entries.remove(token) {
            entry.rows.iter().for_each(|&(pass, index)| self.drain.fail(pass, index));
        }
    }

    /// Goes to the closing handshake once nothing is in hand.
    pub(super) fn advance_shutdown(&mut self) {
        if self.shutdown == Shutdown::Finishing && self.entries.len() == 0 && self.drain_is_over() {
            self.close_socket(0);
        }
    }

    pub(super) fn grace_over(&mut self) {
        if self.shutdown != Shutdown::Finishing {
            return;
        }
        let unacked = self.entries.len() as u64;
        self.clear_queued();
        self.entries.tokens().into_iter().for_each(|token| self.drop_entry(token));
        self.advance_drain();
        self.abandon_pass();
        self.close_socket(unacked);
    }

    fn close_socket(&mut self, unacked: u64) {
        self.unacked = unacked;
        self.timers.cancel_all();
        match self.leave() {
            Some(generation) => {
                self.shutdown = Shutdown::Closing(generation);
                self.timers.set(Timer::Close, self.now + self.options.tuning.close);
                self.emit(Output::Close { generation, code: 1000, reason: "" });
            }
            None => self.finish(true),
        }
    }

    pub(super) fn closed_at_shutdown(&mut self, code: Option<u16>, reason: String) {
        self.forget_socket();
        let closing = matches!(self.shutdown, Shutdown::Closing(_));
        let code = code.unwrap_or(if closing { 1000 } else { 1006 });
        self.emit(Output::Disconnected { code, reason });
        if closing {
            self.finish(true);
        }
    }

    pub(super) fn close_timed_out(&mut self) {
        if matches!(self.shutdown, Shutdown::Closing(_)) {
            self.forget_socket();
            self.emit(Output::Disconnected { code: 1000, reason: String::new() });
            self.finish(false);
        }
    }

    fn finish(&mut self, closed_cleanly: bool) {
        self.timers.cancel_all();
        self.shutdown = Shutdown::Done;
        self.emit(Output::ShutdownDone(CloseSummary { unacked: self.unacked, closed_cleanly }));
    }
}
