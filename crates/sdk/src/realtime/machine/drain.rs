//! The backlog over HTTP: when it is read, how live messages wait for it, and what is acknowledged (R17, R23–R26).

use std::sync::Arc;

use super::RealtimeMachine;
use super::input::DrainRow;
use super::ledger::Ledger;
use super::output::{DrainSummary, Output};
use super::timers::Timer;

#[derive(Default)]
pub(super) struct Drain {
    pass: Option<Pass>,
    last_pass: u64,
    /// A pass is due as soon as there is a handler.
    owed: bool,
    /// Live messages wait for the backlog (R17).
    hold: bool,
    /// Another pass is due as soon as this one is over and there is a connection.
    redrain_due: bool,
    failures: u32,
}

struct Pass {
    id: u64,
    reading: bool,
    fetching: bool,
    /// Reading waits because too many rows are unsettled.
    stalled: bool,
    /// A cursor is on its way to be acknowledged.
    acking: Option<Arc<str>>,
    after: Option<Arc<str>>,
    failed: bool,
    ledger: Ledger,
}

impl Drain {
    pub(super) fn holds(&self) -> bool {
        self.hold
    }

    fn of(&mut self, pass: u64) -> Option<&mut Pass> {
        self.pass.as_mut().filter(|current| current.id == pass)
    }

    pub(super) fn settle(&mut self, pass: u64, index: usize, dispatched: bool) {
        if let Some(pass) = self.of(pass) {
            pass.ledger.settle(index, dispatched);
        }
    }

    pub(super) fn fail(&mut self, pass: u64, index: usize) {
        if let Some(pass) = self.of(pass) {
            pass.failed = true;
            pass.ledger.fail(index);
        }
    }

    pub(super) fn acked_on_socket(&mut self, pass: u64, index: usize) {
        if let Some(pass) = self.of(pass) {
            pass.ledger.acked_on_socket(index);
        }
    }
}

impl RealtimeMachine {
    /// After `hello.ok`: everything undelivered is read afresh.
    pub(super) fn connected_drain(&mut self) {
        if !self.options.rest {
            return;
        }
        self.timers.cancel(&Timer::Hold);
        let abandoned = self.drain.pass.take();
        if let Some(pass) = &abandoned {
            self.emit(Output::CancelDrain { pass: pass.id });
        }
        if self.options.auto_drain || abandoned.is_some() {
            self.owe_pass();
        } else {
            self.try_redrain();
        }
        if let (Some(pass), None) = (abandoned, &self.drain.pass) {
            self.emit(Output::DrainDone(pass.ledger.summary));
        }
    }

    /// A pass with hold is due, now or when a handler comes.
    pub(super) fn owe_pass(&mut self) {
        self.drain.owed = true;
        if !self.drain.hold {
            self.drain.hold = true;
            self.suspend_gaps();
        }
        self.start_owed_pass();
    }

    pub(super) fn start_owed_pass(&mut self) {
        if self.drain.owed && self.has_handler && self.drain.pass.is_none() {
            self.timers.set(Timer::Hold, self.now + self.options.tuning.hold);
            self.start_pass();
        } else {
            self.try_redrain();
        }
    }

    fn start_pass(&mut self) {
        self.drain.owed = false;
        self.drain.redrain_due = false;
        self.timers.cancel(&Timer::Redrain);
        self.drain.last_pass += 1;
        self.drain.pass = Some(Pass {
            id: self.drain.last_pass,
            reading: true,
            fetching: false,
            stalled: false,
            acking: None,
            after: None,
            failed: false,
            ledger: Ledger::default(),
        });
        self.fetch_page();
    }

    pub(super) fn drain_requested(&mut self) {
        if self.is_shutting_down() || !self.options.rest || !self.has_handler {
            return self.emit(Output::DrainDone(DrainSummary::default()));
        }
        if self.drain.pass.is_none() {
            self.owe_pass();
        }
    }

    /// Asks for the next page unless something has to come first.
    fn fetch_page(&mut self) {
        let (limit, window) = (self.options.tuning.drain_page, self.options.tuning.drain_window);
        let Some(pass) = &mut self.drain.pass else { return };
        if !pass.reading || pass.fetching || pass.acking.is_some() {
            return;
        }
        let stalled = pass.ledger.open() >= window;
        let was_stalled = std::mem::replace(&mut pass.stalled, stalled);
        if stalled {
            // Rows that wait behind holes would otherwise wait for the end of reading, and that for them.
            if !was_stalled && !self.drain.hold {
                self.resume_gaps(false);
            }
            return;
        }
        pass.fetching = true;
        let output = Output::FetchDrain { pass: pass.id, limit, after: pass.after.clone() };
        self.emit(output);
    }

    pub(super) fn drain_page(&mut self, id: u64, result: Result<Option<Vec<DrainRow>>, String>) {
        let Some(pass) = self.drain.of(id) else { return };
        pass.fetching = false;
        if !pass.reading {
            return;
        }
        match result {
            Ok(Some(rows)) => self.take_rows(id, rows),
            Ok(None) => self.stop_reading(),
            Err(text) => {
                pass.failed = true;
                self.error(format!("sync drain failed: {text}"));
                self.schedule_redrain();
                self.stop_reading();
            }
        }
        self.advance_drain();
    }

    fn take_rows(&mut self, id: u64, rows: Vec<DrainRow>) {
        let full = rows.len() >= self.options.tuning.drain_page as usize;
        let last = rows.iter().rev().find_map(|row| delivery_id(row).cloned());
        for (index, row) in rows.into_iter().enumerate() {
            self.take_row(id, index, row);
        }
        let Some(pass) = self.drain.of(id) else { return };
        pass.ledger.end_page();
        let stuck = last.is_none() || last == pass.after;
        if full && !stuck {
            pass.after = last;
            return;
        }
        if full {
            self.error("sync drain stopped: the server does not advance its cursor");
        }
        self.stop_reading();
    }

    fn take_row(&mut self, id: u64, index: usize, row: DrainRow) {
        let Some(pass) = self.drain.of(id) else { return };
        match row {
            DrainRow::Valid(row) => {
                let at = pass.ledger.push(row.meta.delivery_id.clone(), row.meta.id.clone());
                self.drained(row, id, at);
            }
            DrainRow::Invalid { delivery_id, reason } => {
                pass.ledger.push_invalid(delivery_id);
                self.error(format!("sync drain skipped row {index}: {reason}"));
            }
        }
    }

    fn stop_reading(&mut self) {
        let Some(pass) = &mut self.drain.pass else { return };
        pass.reading = false;
        if self.drain.hold && !self.drain.owed {
            self.end_hold();
        } else if !self.drain.hold {
            self.resume_gaps(false);
        }
    }

    /// What was held waits no longer.
    pub(super) fn end_hold(&mut self) {
        self.timers.cancel(&Timer::Hold);
        if std::mem::take(&mut self.drain.hold) {
            self.resume_gaps(true);
        }
    }

    /// Acknowledges what may be, goes on reading, and ends the pass when nothing is left.
    pub(super) fn advance_drain(&mut self) {
        let Some(pass) = &mut self.drain.pass else { return };
        if pass.acking.is_some() {
            return;
        }
        let over = !pass.reading && !pass.fetching && pass.ledger.open() == 0;
        if let Some(cursor) = pass.ledger.next_cursor(over) {
            pass.acking = Some(cursor.clone());
            let output = Output::SyncAck { pass: pass.id, cursor };
            return self.emit(output);
        }
        if over {
            return self.end_pass();
        }
        self.fetch_page();
    }

    pub(super) fn ack_result(&mut self, id: u64, result: Result<(), String>) {
        let Some(pass) = self.drain.of(id) else { return };
        let cursor = pass.acking.take();
        match result {
            Ok(()) => pass.ledger.summary.acked_through = cursor,
            Err(text) => {
                pass.failed = true;
                self.error(format!("sync ack failed: {text}"));
                self.schedule_redrain();
            }
        }
        self.advance_drain();
    }

    fn end_pass(&mut self) {
        let Some(mut pass) = self.drain.pass.take() else { return };
        if self.online().is_some_and(|(_, ack_mode)| ack_mode) {
            for id in pass.ledger.settled_behind_freeze() {
                self.acknowledge(Some(id));
            }
        }
        if pass.ledger.all_settled() && !pass.failed {
            self.drain.failures = 0;
        }
        self.emit(Output::DrainDone(pass.ledger.summary));
        if self.drain.owed {
            self.start_owed_pass();
        } else {
            self.try_redrain();
        }
    }

    /// After a failure: another pass later, less and less often (R26).
    pub(super) fn schedule_redrain(&mut self) {
        if !self.options.rest
            || self.is_shutting_down()
            || self.timers.is_set(&Timer::Redrain)
            || self.drain.redrain_due
        {
            return;
        }
        let tuning = &self.options.tuning;
        let wait = tuning.redrain.saturating_mul(1 << self.drain.failures.min(16)).min(tuning.redrain_max);
        self.drain.failures += 1;
        self.timers.set(Timer::Redrain, self.now + wait);
    }

    pub(super) fn redrain_fired(&mut self) {
        self.drain.redrain_due = true;
        self.try_redrain();
    }

    fn try_redrain(&mut self) {
        let possible = self.drain.redrain_due && self.drain.pass.is_none() && self.has_handler;
        if possible && self.online().is_some() && !self.is_shutting_down() {
            self.start_pass();
        }
    }

    /// At shutdown nothing more is read; what is in hand may still be acknowledged.
    pub(super) fn stop_drain(&mut self) {
        self.drain.owed = false;
        if let Some(pass) = &mut self.drain.pass {
            let id = pass.id;
            pass.reading = false;
            if std::mem::take(&mut pass.fetching) {
                self.emit(Output::CancelDrain { pass: id });
            }
        }
    }

    pub(super) fn drain_is_over(&self) -> bool {
        self.drain.pass.is_none()
    }

    /// Gives up what is still open, so that the rest can be acknowledged.
    pub(super) fn abandon_pass(&mut self) {
        if let Some(pass) = self.drain.pass.take() {
            self.emit(Output::CancelDrain { pass: pass.id });
            self.emit(Output::DrainDone(pass.ledger.summary));
        }
    }

    pub(super) fn clear_hold(&mut self) -> bool {
        std::mem::take(&mut self.drain.hold)
    }
}

fn delivery_id(row: &DrainRow) -> Option<&Arc<str>> {
    match row {
        DrainRow::Valid(row) => row.meta.delivery_id.as_ref(),
        DrainRow::Invalid { delivery_id, .. } => delivery_id.as_ref(),
    }
}
