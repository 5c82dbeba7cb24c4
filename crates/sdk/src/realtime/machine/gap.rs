//! Holes in a conversation: waited for, filled from history, or given up (R20–R22).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::arrival::{Known, Source};
use super::conversation::{Anchor, Fill, GapReason, OpenGap};
use super::input::Row;
use super::output::{Gap, Output, Token};
use super::timers::Timer;
use super::{Now, RealtimeMachine};

impl RealtimeMachine {
    fn arrived(&self, token: Token) -> Now {
        self.entries.get(token).map_or(self.now, |entry| entry.arrived)
    }

    /// After a change of a buffer: the hole begins, moves, or has closed by itself.
    pub(super) fn watch_gap(&mut self, key: &Arc<str>, from_legacy_row: bool) {
        let held = self.drain.holds();
        let now = self.now;
        let conversation = self.conversations.of(key);
        let Some((_, lowest)) = conversation.lowest() else {
            if conversation.gap.take().is_some() {
                self.timers.cancel(&Timer::Gap(key.clone()));
                self.timers.cancel(&Timer::Fill(key.clone()));
            }
            return;
        };
        if !conversation.anchor.is_hard() && conversation.gap.is_none() {
            return;
        }
        let gap = conversation.gap.get_or_insert(OpenGap {
            suspended: held || from_legacy_row,
            not_before: Now::ZERO,
            fill: None,
        });
        if gap.fill.is_none() && !gap.suspended {
            let not_before = gap.not_before;
            let from = self.arrived(lowest).max(not_before);
            self.timers.set(Timer::Gap(key.clone()), (from + self.options.tuning.gap_window).max(now));
        }
        if !held {
            self.check_overflow(key);
        }
    }

    /// While a pass reads, its rows may close any hole: no timer runs (R17).
    pub(super) fn suspend_gaps(&mut self) {
        for key in self.conversations.buffered(|token| self.arrived(token)) {
            let Some(gap) = self.conversations.of(&key).gap.as_mut().filter(|gap| gap.fill.is_none()) else { continue };
            gap.suspended = true;
            self.timers.cancel(&Timer::Gap(key));
        }
    }

    /// The backlog was read: what is anchored nowhere begins with its lowest message, what remains is a hole.
    pub(super) fn resume_gaps(&mut self, anchor: bool) {
        for key in self.conversations.buffered(|token| self.arrived(token)) {
            let now = self.now;
            let conversation = self.conversations.of(&key);
            if let Some(gap) = conversation.gap.as_mut().filter(|gap| gap.suspended) {
                (gap.suspended, gap.not_before) = (false, now);
            } else if anchor && conversation.gap.is_none() {
                conversation.gap = Some(OpenGap { suspended: false, not_before: now, fill: None });
            }
            if let Some((seq, _)) = conversation.lowest().filter(|_| anchor && !conversation.anchor.is_hard()) {
                conversation.anchor = Anchor::Hard(seq);
            }
            self.release_consecutive(&key);
            self.watch_gap(&key, false);
        }
    }

    pub(super) fn gap_due(&mut self, key: &Arc<str>) {
        if self.options.rest {
            self.begin_fill(key, false);
        } else {
            self.give_up(key, GapReason::FillUnavailable);
        }
    }

    fn begin_fill(&mut self, key: &Arc<str>, overflow: bool) {
        let since = match self.conversations.of(key).lowest() {
            Some((_, lowest)) => self.arrived(lowest),
            None => return,
        };
        self.last_fill += 1;
        let id = self.last_fill;
        let conversation = self.conversations.of(key);
        let Some(expected) = conversation.anchor.next() else { return };
        let after_seq = expected.saturating_sub(1);
        let fill = Fill { id, expected, since, after_seq, pages: 0, overflow };
        let gap = conversation.gap.get_or_insert(OpenGap { suspended: false, not_before: since, fill: None });
        gap.fill = Some(fill);
        self.timers.cancel(&Timer::Gap(key.clone()));
        self.timers.set(Timer::Fill(key.clone()), self.now + self.options.tuning.fill_limit);
        self.fetch_fill(key, id, after_seq);
    }

    fn fetch_fill(&mut self, key: &Arc<str>, fill: u64, after_seq: u64) {
        let limit = self.options.tuning.fill_page;
        self.emit(Output::FetchFill { fill, conversation: key.clone(), after_seq, limit });
    }

    pub(super) fn fill_timed_out(&mut self, key: &Arc<str>) {
        self.fill_failed(key);
    }

    fn fill_failed(&mut self, key: &Arc<str>) {
        let fill = self.conversations.of(key).gap.as_ref().and_then(|gap| gap.fill.as_ref());
        let overflow = fill.is_some_and(|fill| fill.overflow);
        self.give_up(key, if overflow { GapReason::BufferOverflow } else { GapReason::FillFailed });
    }

    pub(super) fn fill_page(&mut self, id: u64, key: &Arc<str>, result: Result<Vec<Row>, String>) {
        if self.is_shutting_down() {
            return;
        }
        let current = self.conversations.get(key).and_then(|found| found.gap.as_ref()?.fill.as_ref());
        let is_current = current.is_some_and(|fill| fill.id == id);
        match result {
            Ok(rows) if is_current => self.take_page(key, rows),
            Ok(rows) => self.take_old_page(key, rows),
            Err(_) if is_current => self.fill_failed(key),
            Err(_) => {}
        }
    }

    fn take_page(&mut self, key: &Arc<str>, mut rows: Vec<Row>) {
        rows.sort_by_key(|row| row.meta.seq);
        let full = rows.len() >= self.options.tuning.fill_page as usize;
        let last = rows.last().and_then(|row| row.meta.seq).unwrap_or_default();
        let conversation = self.conversations.of(key);
        let (Some(next), Some(&(highest, _))) = (conversation.anchor.next(), conversation.buffer.last()) else {
            return;
        };
        for row in rows {
            let Some(seq) = row.meta.seq.filter(|seq| (next..=highest).contains(seq)) else { continue };
            if matches!(self.known(&row.meta), Known::New) {
                let token = self.enter(Row { meta: with_conversation(row.meta, key), ..row }, Source::Fill);
                self.conversations.of(key).buffer.insert((seq, token));
            }
        }
        self.release_consecutive(key);
        self.after_page(key, last, full);
    }

    fn after_page(&mut self, key: &Arc<str>, last: u64, full: bool) {
        let most_pages = self.options.tuning.fill_pages;
        let conversation = self.conversations.of(key);
        if conversation.buffer.is_empty() {
            return self.filled(key);
        }
        let Some(fill) = conversation.gap.as_mut().and_then(|gap| gap.fill.as_mut()) else { return };
        fill.pages += 1;
        if !full || last <= fill.after_seq || fill.pages >= most_pages {
            return self.fill_failed(key);
        }
        fill.after_seq = last;
        let id = fill.id;
        self.fetch_fill(key, id, last);
    }

    fn filled(&mut self, key: &Arc<str>) {
        self.timers.cancel(&Timer::Fill(key.clone()));
        let Some(fill) = self.conversations.of(key).gap.take().and_then(|gap| gap.fill) else { return };
        let gap = Gap {
            conversation: key.clone(),
            expected_seq: fill.expected,
            buffered_seq: None,
            waited: self.now.saturating_sub(fill.since),
            recovered: true,
            reason: GapReason::Filled,
            missing: Vec::new(),
        };
        self.enqueue_gap(key, gap);
    }

    /// Rows of a fill that is over: what was passed over comes late, the rest is on its way anyhow.
    fn take_old_page(&mut self, key: &Arc<str>, mut rows: Vec<Row>) {
        rows.sort_by_key(|row| row.meta.seq);
        let Some(next) = self.conversations.get(key).and_then(|conversation| conversation.anchor.next()) else {
            return;
        };
        for row in rows {
            if row.meta.seq.is_some_and(|seq| seq < next) && matches!(self.known(&row.meta), Known::New) {
                let token = self.enter(Row { meta: with_conversation(row.meta, key), ..row }, Source::Fill);
                self.release(token, true);
            }
        }
    }

    /// Releases everything that waits and says what was passed over.
    pub(super) fn give_up(&mut self, key: &Arc<str>, reason: GapReason) {
        self.timers.cancel(&Timer::Gap(key.clone()));
        self.timers.cancel(&Timer::Fill(key.clone()));
        let conversation = self.conversations.of(key);
        let fill = conversation.gap.take().and_then(|gap| gap.fill);
        let Some((lowest, first)) = conversation.lowest() else { return };
        let next = conversation.anchor.next().unwrap_or(lowest);
        let buffer = std::mem::take(&mut conversation.buffer);
        let missing = missing(next, &buffer, &conversation.own);
        let last = buffer.last().map_or(lowest, |&(seq, _)| seq);
        conversation.anchor = Anchor::Hard(last.saturating_add(1).max(next));
        conversation.own = conversation.own.split_off(&last);
        let gap = Gap {
            conversation: key.clone(),
            expected_seq: fill.map_or(next, |fill| fill.expected),
            buffered_seq: Some(lowest),
            waited: self.now.saturating_sub(self.arrived(first)),
            recovered: false,
            reason,
            missing,
        };
        self.release_all(buffer.into_iter().map(|(_, token)| token).collect());
        self.enqueue_gap(key, gap);
    }

    /// Too much waits behind a hole of one conversation.
    fn check_overflow(&mut self, key: &Arc<str>) {
        let (soft, hard) = (self.options.tuning.buffer_soft, self.options.tuning.buffer_hard);
        let rest = self.options.rest;
        let conversation = self.conversations.of(key);
        let waiting = conversation.buffer.len();
        let filling = conversation.gap.as_ref().is_some_and(|gap| gap.fill.is_some());
        if waiting <= soft {
            return;
        }
        if !rest || waiting >= hard {
            self.give_up(key, GapReason::BufferOverflow);
        } else if !filling {
            self.begin_fill(key, true);
        }
    }

    /// Too much waits in all: the oldest hole is given up. Whether there was one.
    pub(super) fn make_room(&mut self) -> bool {
        let buffered = self.conversations.buffered(|token| self.arrived(token));
        let oldest = buffered.into_iter().find(|key| {
            self.conversations.get(key).and_then(|found| found.gap.as_ref()).is_some_and(|gap| !gap.suspended)
        });
        let Some(key) = oldest else { return false };
        self.give_up(&key, GapReason::BufferOverflow);
        true
    }
}

/// History is asked for one conversation; its rows belong there whatever they say.
fn with_conversation(meta: super::input::Meta, key: &Arc<str>) -> super::input::Meta {
    super::input::Meta { conversation: Some(key.clone()), ..meta }
}

/// Positions from `next` on that are neither waiting nor own.
fn missing(mut next: u64, buffer: &BTreeSet<(u64, Token)>, own: &BTreeSet<u64>) -> Vec<RangeInclusive<u64>> {
    let mut ranges: Vec<RangeInclusive<u64>> = Vec::new();
    for &(seq, _) in buffer {
        let mut from = next;
        for &sent in own.range(next..seq.max(next)) {
            if from < sent {
                ranges.push(from..=sent - 1);
            }
            from = sent + 1;
        }
        if from < seq {
            ranges.push(from..=seq - 1);
        }
        next = next.max(seq.saturating_add(1));
    }
    ranges
}
