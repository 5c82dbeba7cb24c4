//! What a socket does next, without sockets, clocks or a store: those are the driver's.
//!
//! The driver asks [`Session::next`] until it answers [`Step::Idle`], executes each step, and hands results back:
//! pages of the log, own rows, a look at the credentials, fresh frames. Time is a [`Duration`] since the socket began.
//! At most one question is open at a time, and nothing is written while one is: order is kept by construction. A new
//! question takes the place of an open one, whose answer must not be handed in any more.

mod lead;
mod memory;
mod reoffers;
mod step;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::frame::close::{self, Close};

use self::lead::{Given, Lead};
use self::memory::Conversations;
use self::reoffers::Reoffers;
pub(super) use self::step::{Ask, Begin, Fresh, Origin, OwnMessages, OwnRow, PAGE, Page, Row, Step, Writing};
use super::Head;
use super::feed::SyncedPage;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The drain waits for the client's sync call.
    Led,
    /// Follows the store.
    Draining,
    /// Follows the ring.
    Live,
    /// Fully paused: silent.
    Paused,
}

#[derive(Debug)]
enum Entry<B> {
    Row { row: Row<B>, origin: Origin, hole_closed: bool },
    Own(OwnRow<B>),
}

/// The state of one authenticated socket.
#[derive(Debug)]
pub(super) struct Session<B> {
    reoffers_unacked: bool,
    own: OwnMessages,
    epoch: i64,
    mode: Mode,
    paused: bool,
    /// Status and pause were seen in the store since the last hint that they changed.
    certain: bool,
    /// The key must be looked at before anything else is written.
    recheck: bool,
    asked: Option<Ask>,
    closing: Option<Close>,
    queue: VecDeque<Entry<B>>,
    /// Everything of the log up to here was written, was passed over, or is in `queue`.
    reach: u64,
    /// The log was seen to reach this far; a page that is older is not the end of a drain.
    known: u64,
    /// Messages up to here are written even if they were quiet: they were stored before this socket came, or before
    /// the pause ended.
    baseline: Option<u64>,
    lead: Option<Box<Lead>>,
    given: Given,
    conversations: Conversations,
    reoffers: Reoffers,
}

impl<B> Session<B> {
    pub(super) fn new(begin: &Begin, now: Duration) -> Self {
        let lead = begin.lead.map(|(first, more)| Box::new(Lead::new(now, first, more)));
        Self {
            reoffers_unacked: begin.reoffer.is_some(),
            own: begin.own,
            epoch: begin.epoch,
            mode: if lead.is_some() { Mode::Led } else { Mode::Draining },
            paused: begin.paused,
            certain: false,
            recheck: false,
            asked: None,
            closing: None,
            queue: VecDeque::new(),
            reach: begin.after,
            known: 0,
            baseline: None,
            lead,
            given: Given::default(),
            conversations: Conversations::default(),
            reoffers: Reoffers::new(begin.reoffer.unwrap_or_default()),
        }
    }

    /// What to do next.
    pub(super) fn next(&mut self, now: Duration) -> Step<B> {
        if let Some(close) = self.closing.clone() {
            return Step::Close(close);
        }
        if self.asked.is_some() {
            return Step::Idle;
        }
        if self.recheck {
            return self.ask(Ask::Credentials);
        }
        if !self.certain {
            let limit = if self.mode == Mode::Led { 1 } else { PAGE };
            return self.ask(Ask::Page { after: self.reach, limit, pass: false });
        }
        if let Some(step) = self.next_of_queue(now) {
            return step;
        }
        match self.mode {
            Mode::Led if self.lead.as_ref().is_some_and(|lead| now < lead.until()) => Step::Idle,
            Mode::Led => {
                self.end_lead();
                self.ask_page()
            }
            Mode::Draining => self.ask_page(),
            Mode::Live => match self.reoffers.next(now, self.reach) {
                Some(after) => self.ask(Ask::Page { after, limit: PAGE, pass: true }),
                None => Step::Take,
            },
            Mode::Paused => Step::Idle,
        }
    }

    /// When [`Session::next`] must be asked again even if nothing happens.
    pub(super) fn deadline(&self) -> Option<Duration> {
        match self.mode {
            _ if self.asked.is_some() => None,
            Mode::Led => self.lead.as_ref().map(|lead| lead.until()),
            Mode::Live => self.reoffers.due(),
            Mode::Draining | Mode::Paused => None,
        }
    }

    /// Frames other than `message.new` may be written now. While this is false for lack of certainty they wait;
    /// see [`Session::is_paused`].
    pub(super) fn may_write_events(&self) -> bool {
        self.certain && !self.recheck && !self.paused && self.closing.is_none()
    }

    /// Fully paused: events are dropped and acks ignored.
    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    /// The log was written up to this position, or passed over: nothing up to there is still to come.
    pub(super) fn has_passed(&self, position: u64) -> bool {
        let waits = |entry: &Entry<B>| matches!(entry, Entry::Row { row, .. } if row.position <= position);
        self.reach >= position && !self.queue.iter().any(waits)
    }

    /// The drain waits for a sync call.
    pub(super) fn is_led(&self) -> bool {
        self.mode == Mode::Led
    }

    /// The answer to [`Ask::Page`].
    pub(super) fn page(&mut self, page: Page<B>) {
        let Some(Ask::Page { pass, .. }) = self.asked.take() else { return };
        match page.status {
            AgentStatus::Suspended => return self.closing = Some(close::ACCOUNT_SUSPENDED),
            AgentStatus::Deleted => return self.closing = Some(close::ACCOUNT_DELETED),
            _ => {}
        }
        if page.epoch != self.epoch {
            self.reoffers.abandon();
            return self.recheck = true;
        }
        self.certain = true;
        self.paused = page.paused;
        if page.paused {
            return self.fall_silent();
        }
        let baseline = *self.baseline.get_or_insert(page.last_position);
        if pass {
            self.reoffer(page, baseline);
        } else if self.mode == Mode::Led {
            self.probed(&page);
        } else {
            self.drain(page, baseline);
        }
    }

    /// The answer to [`Ask::OwnRows`], ascending.
    pub(super) fn own_rows(&mut self, rows: Vec<OwnRow<B>>) {
        if matches!(self.asked, Some(Ask::OwnRows { .. })) {
            self.asked = None;
            for row in rows.into_iter().rev() {
                self.queue.push_front(Entry::Own(row));
            }
        }
    }

    /// The answer to [`Ask::Credentials`]: the epoch of the account the key opens, if it does.
    pub(super) fn credentials(&mut self, found: Option<(i64, AgentStatus)>) {
        if self.asked != Some(Ask::Credentials) {
            return;
        }
        self.asked = None;
        self.recheck = false;
        match found {
            None => self.closing = Some(close::API_KEY_ROTATED),
            Some((_, AgentStatus::Suspended)) => self.closing = Some(close::ACCOUNT_SUSPENDED),
            Some((_, AgentStatus::Deleted)) => self.closing = Some(close::ACCOUNT_DELETED),
            Some((epoch, _)) => {
                self.epoch = epoch;
                self.certain = false;
                self.follow_store();
            }
        }
    }

    /// A frame of the ring, in order.
    pub(super) fn offer(&mut self, fresh: Fresh<B>) {
        if self.mode != Mode::Live {
            return;
        }
        match fresh {
            Fresh::Received { row, .. } if row.position <= self.reach => {}
            Fresh::Received { row, epoch } if epoch != self.epoch || row.position != self.reach + 1 => {
                self.follow_store();
            }
            Fresh::Received { row, .. } => {
                self.reach = row.position;
                if !row.quiet {
                    self.queue.push_back(Entry::Row { row, origin: Origin::Live, hole_closed: false });
                }
            }
            Fresh::Own(row) if self.own == OwnMessages::Echo => self.queue.push_back(Entry::Own(row)),
            Fresh::Own(_) => {}
        }
    }

    /// The ring has lost frames: the store has them.
    pub(super) fn lost(&mut self) {
        self.follow_store();
    }

    /// `paused_by_owner` may be another: nothing is written until the store was asked.
    pub(super) fn pause_changed(&mut self) {
        self.certain = false;
        self.asked = None;
        self.end_lead();
        self.follow_store();
    }

    /// The key may have been replaced.
    pub(super) fn key_changed(&mut self) {
        self.recheck = true;
        self.asked = None;
    }

    /// The store said this to somebody else, at some moment; true when it is news.
    pub(super) fn look(&mut self, head: Head) -> bool {
        self.known = self.known.max(head.position);
        let other = head.epoch != self.epoch || head.paused != self.paused;
        let behind = self.mode == Mode::Live && head.position > self.reach;
        if other {
            self.certain = false;
            self.asked = None;
        }
        if other || behind {
            self.follow_store();
        }
        other || behind
    }

    /// A sync call of the client this socket waits for returned these rows.
    pub(super) fn synced(&mut self, now: Duration, page: &SyncedPage) {
        let Some(lead) = self.lead.as_mut().filter(|_| self.mode == Mode::Led) else { return };
        for (conversation, seq) in &page.rows {
            self.conversations.wrote(*conversation, *seq);
        }
        let more = self.given.add(page.span);
        let last = page.span.map(|(_, last)| last);
        if let Some(last) = last {
            self.reoffers.written(now, last);
        }
        lead.gave(now, last, page.rows.len(), page.short);
        if !more || lead.is_over() {
            self.end_lead();
        }
    }

    /// The client acked everything up to here by a call.
    pub(super) fn acked_through(&mut self, now: Duration, position: u64) {
        self.change_lead(|lead| lead.acked(now, position));
    }

    /// The client acked so many messages by frames of this socket.
    pub(super) fn acked_by_frame(&mut self, messages: usize) {
        self.change_lead(|lead| lead.acked_by_frame(messages));
    }

    fn change_lead(&mut self, change: impl FnOnce(&mut Lead)) {
        let Some(lead) = self.lead.as_mut() else { return };
        change(lead);
        if lead.is_over() {
            self.end_lead();
        }
    }

    fn ask(&mut self, ask: Ask) -> Step<B> {
        self.asked = Some(ask);
        Step::Ask(ask)
    }

    fn ask_page(&mut self) -> Step<B> {
        self.ask(Ask::Page { after: self.reach, limit: PAGE, pass: false })
    }

    fn next_of_queue(&mut self, now: Duration) -> Option<Step<B>> {
        if let Some(ask) = self.hole_before_next() {
            return Some(self.ask(ask));
        }
        Some(Step::Write(match self.queue.pop_front()? {
            Entry::Own(OwnRow { conversation, seq, body }) => {
                self.conversations.wrote(conversation, seq);
                Writing { origin: Origin::Own, message: None, body }
            }
            Entry::Row { row, origin, .. } => {
                self.conversations.wrote(row.conversation, row.seq);
                if self.reoffers_unacked && origin != Origin::Reoffered {
                    self.reoffers.written(now, row.position);
                }
                Writing { origin, message: Some(row.message), body: row.body }
            }
        }))
    }

    /// The question for the own rows that belong before the next received one.
    fn hole_before_next(&mut self) -> Option<Ask> {
        let Some(Entry::Row { row, origin, hole_closed }) = self.queue.front_mut() else { return None };
        if *hole_closed || *origin == Origin::Reoffered || self.own != OwnMessages::JustInTime {
            return None;
        }
        *hole_closed = true;
        let after_seq = self.conversations.last(row.conversation)?;
        (after_seq + 1 < row.seq).then_some(Ask::OwnRows {
            conversation: row.conversation,
            after_seq,
            before_seq: row.seq,
        })
    }

    fn drain(&mut self, page: Page<B>, baseline: u64) {
        if let Some(last) = page.rows.last() {
            self.reach = self.reach.max(last.position);
        }
        for row in page.rows {
            let silent = row.quiet && row.position > baseline;
            if !silent && !self.given.contains(row.position) {
                self.queue.push_back(Entry::Row { row, origin: Origin::Drained, hole_closed: false });
            }
        }
        self.mode = Mode::Draining;
        if !page.full {
            self.reach = self.reach.max(page.last_position);
            self.catch_up();
        }
    }

    /// The log was read to the end of a snapshot. One that was older than what is known is read on from there.
    fn catch_up(&mut self) {
        if self.reach < std::mem::take(&mut self.known) {
            self.mode = Mode::Draining;
        } else {
            self.mode = Mode::Live;
            self.given = Given::default();
        }
    }

    /// The first look into the log while the drain waits: an empty one ends the wait.
    fn probed(&mut self, page: &Page<B>) {
        if page.rows.is_empty() && !page.full {
            self.lead = None;
            self.reach = page.last_position;
            self.catch_up();
        }
    }

    fn reoffer(&mut self, page: Page<B>, baseline: u64) {
        let Some(mut pass) = self.reoffers.pass() else { return };
        let last = page.rows.last().map(|row| row.position);
        for row in page.rows {
            let written_here = !row.quiet || row.position <= baseline;
            if pass.sees(row.position) && written_here && self.reoffers.judge(&mut pass, row.position) {
                self.queue.push_back(Entry::Row { row, origin: Origin::Reoffered, hole_closed: true });
            }
        }
        self.reoffers.go_on(pass, last, page.full);
    }

    fn fall_silent(&mut self) {
        self.rewind();
        self.lead = None;
        self.baseline = None;
        self.reoffers.abandon();
        self.mode = Mode::Paused;
    }

    fn follow_store(&mut self) {
        if self.mode != Mode::Led {
            self.rewind();
            self.reoffers.abandon();
            self.mode = Mode::Draining;
        }
    }

    /// Forgets what is queued; the store has it.
    fn rewind(&mut self) {
        let next = self.queue.iter().find_map(|entry| match entry {
            Entry::Row { row, origin: Origin::Live | Origin::Drained, .. } => Some(row.position),
            Entry::Row { .. } | Entry::Own(_) => None,
        });
        if let Some(position) = next {
            self.reach = position - 1;
        }
        self.queue = VecDeque::new();
        if matches!(self.asked, Some(Ask::OwnRows { .. })) {
            self.asked = None;
        }
    }

    fn end_lead(&mut self) {
        if self.mode == Mode::Led {
            self.mode = Mode::Draining;
            self.lead = None;
        }
    }
}
