//! Lanes: one message of a conversation at a time, a bounded number of conversations at once (R30).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::RealtimeMachine;
use super::conversation::LaneItem;
use super::entry::Stage;
use super::output::{Gap, Message, Output, Token};
use super::timers::Timer;

#[derive(Default)]
pub(super) struct Lanes {
    /// Lanes that could start, by the turn of their next message.
    ready: BTreeMap<u64, Arc<str>>,
    running: usize,
    last_turn: u64,
}

impl RealtimeMachine {
    pub(super) fn enqueue(&mut self, lane: &Arc<str>, token: Token) {
        self.lanes.last_turn += 1;
        let turn = self.lanes.last_turn;
        self.conversations.of(lane).queue.push_back(LaneItem::Message(turn, token));
        self.advance_lane(lane);
        self.start_ready();
    }

    /// A hole is reported after what was released with it.
    pub(super) fn enqueue_gap(&mut self, lane: &Arc<str>, gap: Gap) {
        self.conversations.of(lane).queue.push_back(LaneItem::Gap(Box::new(gap)));
        self.advance_lane(lane);
    }

    /// Brings the lane's next message to its start.
    fn advance_lane(&mut self, lane: &Arc<str>) {
        let conversation = self.conversations.of(lane);
        if conversation.running.is_some() {
            return;
        }
        while let Some(LaneItem::Gap(_)) = conversation.queue.front() {
            if let Some(LaneItem::Gap(gap)) = conversation.queue.pop_front() {
                self.out.push_back(Output::Gap(*gap));
            }
        }
        if let Some(LaneItem::Message(turn, _)) = conversation.queue.front() {
            self.lanes.ready.insert(*turn, lane.clone());
        }
    }

    /// Starts what may start, in the order of release.
    pub(super) fn start_ready(&mut self) {
        while self.has_handler && self.lanes.running < self.options.concurrency.get() {
            let Some((_, lane)) = self.lanes.ready.pop_first() else { break };
            self.start_next(&lane);
        }
        self.watch_saturation();
    }

    fn start_next(&mut self, lane: &Arc<str>) {
        let conversation = self.conversations.of(lane);
        let Some(LaneItem::Message(_, token)) = conversation.queue.pop_front() else { return };
        let Some(entry) = self.entries.get_mut(token) else { return self.advance_lane(lane) };
        conversation.running = Some(token);
        entry.stage = Stage::Running;
        let message = Message {
            token,
            meta: entry.meta.clone(),
            body: entry.body.clone(),
            origin: entry.origin,
            late: entry.late,
            attempt: entry.attempt,
        };
        self.lanes.running += 1;
        self.emit(Output::Dispatch(message));
    }

    /// The lane's running message is over; the next one may start.
    pub(super) fn free_lane(&mut self, lane: &Arc<str>) {
        self.conversations.of(lane).running = None;
        self.lanes.running = self.lanes.running.saturating_sub(1);
        self.advance_lane(lane);
        self.start_ready();
    }

    fn watch_saturation(&mut self) {
        let saturated = self.lanes.running >= self.options.concurrency.get() && !self.lanes.ready.is_empty();
        match (saturated, self.timers.is_set(&Timer::Saturated)) {
            (true, false) => self.timers.set(Timer::Saturated, self.now + self.options.tuning.saturated),
            (false, true) => self.timers.cancel(&Timer::Saturated),
            _ => {}
        }
    }

    /// Takes every message that has not started out of its lane and tells the holes in between.
    pub(super) fn clear_queued(&mut self) {
        let lanes: Vec<Arc<str>> = std::mem::take(&mut self.lanes.ready).into_values().collect();
        for lane in lanes {
            for item in std::mem::take(&mut self.conversations.of(&lane).queue) {
                if let LaneItem::Gap(gap) = item {
                    self.emit(Output::Gap(*gap));
                }
            }
        }
    }

    pub(super) fn handlers_changed(&mut self, has_message_handler: bool) {
        self.has_handler = has_message_handler;
        if has_message_handler && !self.is_shutting_down() {
            self.start_owed_pass();
            self.start_ready();
        }
    }
}
