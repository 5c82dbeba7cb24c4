//! The k-th call fails, for every k: what was acknowledged stays, what was refused never comes back, and the store
//! goes on by itself once the disk does.

use super::child::{Child, Outcome};
use super::layer::{
    DATABASE, EVERY_FILE, FOREVER, Fault, Flavour, INDEX, INPUT_OUTPUT, LOG, Layer, Loss, NO_SPACE, READS, SYNCS,
    TIMED_OUT, TRUNCATIONS, WRITES,
};
use crate::books::Books;

const BURST: u64 = 24;
const SMALL: u64 = 4;

/// A series over k, on one store that is never reopened.
struct Series {
    layer: Layer,
    child: Child,
    books: Books,
    next: u64,
    refused: usize,
    failed: u64,
    /// While the fault lasts, what was refused may be found after a crash.
    in_doubt: bool,
    /// A connection learns of another one's failed sync only at its own next one.
    late: bool,
}

impl Series {
    fn start() -> Self {
        let layer = Layer::new();
        let child = Child::start(&layer).expect("a store on a sound disk");
        Self::of(layer, child)
    }

    fn of(layer: Layer, child: Child) -> Self {
        Self { layer, child, books: Books::default(), next: 0, refused: 0, failed: 0, in_doubt: false, late: false }
    }

    /// Lets calls fail while messages are said; false when there were too few calls for it.
    fn step(&mut self, fault: Fault) -> bool {
        self.layer.break_down(fault);
        let outcome = self.child.burst(&mut self.books, &mut self.next, BURST);
        assert_eq!(outcome.otherwise, [""; 0], "{fault:?}");
        self.refused += outcome.unavailable.len();
        self.audit(&fault);
        let failed = self.layer.repair();
        self.failed += failed;
        self.must_work(&format!("after {fault:?}"));
        failed > 0
    }

    /// What a kill, or a power cut, would leave right now.
    fn audit(&self, fault: &Fault) {
        for loss in [Loss::Process, Loss::Unsynced, Loss::SomeSectors(self.next)] {
            let left = tempfile::tempdir().expect("a folder");
            self.layer.copy_after(loss, left.path()).expect("a copy of what is left");
            let when = format!("{loss:?} after {fault:?}");
            if self.in_doubt {
                self.books.audit_in_doubt(left.path(), &when);
            } else {
                self.books.audit(left.path(), &when);
            }
        }
    }

    /// On a sound disk everything that is asked is done, without a restart.
    fn must_work(&mut self, when: &str) {
        let mut outcome = self.child.burst(&mut self.books, &mut self.next, SMALL);
        if self.late && !outcome.unavailable.is_empty() {
            outcome = self.child.burst(&mut self.books, &mut self.next, SMALL);
        }
        let all = Outcome { acked: SMALL - outcome.regretted, regretted: outcome.regretted, ..Outcome::default() };
        assert_eq!(outcome, all, "{when}");
        assert_eq!(self.child.count(), Ok(self.books.acked.len() as i64), "{when}: what a reader sees");
    }

    /// Kills the child and starts another on what is left.
    fn restart(&mut self, loss: Loss) {
        self.child.kill(&mut self.books);
        self.layer.lose(loss).expect("a folder after a crash");
        self.child = Child::start(&self.layer).expect("a store after a crash");
    }

    /// Kills the child and looks at what it leaves; then once more on a new one, to its orderly end.
    fn end(mut self) {
        assert!(self.failed > 0, "the layer never struck");
        self.restart(Loss::Unsynced);
        self.must_work("after the restart");
        self.child.close();
        self.books.audit(&self.layer.data(), "after the orderly end");
    }
}

fn fault(what: u64, skip: u64, error: u64) -> Fault {
    Fault { what, skip, fail: 1, error, flavour: Flavour::Plain }
}

/// Every k until the burst has no such call any more, at most `most`.
fn every(most: u64, step: usize, mut series: Series, fault: impl Fn(u64) -> Fault) -> Series {
    let mut missed = 0;
    for skip in (0..most).step_by(step) {
        missed = if series.step(fault(skip)) { 0 } else { missed + 1 };
        if missed == 3 {
            break;
        }
    }
    series
}

#[test]
fn the_kth_write_finds_no_space() {
    let series = every(200, 1, Series::start(), |k| fault(WRITES | EVERY_FILE, k, NO_SPACE));
    assert!(series.refused > 0);
    series.end();
}

#[test]
fn the_kth_write_is_cut_short() {
    let series = every(200, 3, Series::start(), |k| Fault {
        flavour: Flavour::Short,
        ..fault(WRITES | EVERY_FILE, k, NO_SPACE)
    });
    assert!(series.refused > 0);
    series.end();
}

#[test]
fn the_kth_write_fails() {
    let series = every(200, 3, Series::start(), |k| fault(WRITES | EVERY_FILE, k, INPUT_OUTPUT));
    assert!(series.refused > 0);
    series.end();
}

#[test]
fn the_disk_is_full_from_the_kth_write_on() {
    let series = every(200, 5, Series::start(), |k| Fault { fail: FOREVER, ..fault(WRITES | EVERY_FILE, k, NO_SPACE) });
    assert!(series.refused > 0);
    series.end();
}

/// The k-th sync of the log, then of the database, by whichever connection.
fn syncs(flavour: Flavour) {
    let mut series = Series { late: true, ..Series::start() };
    for file in [LOG, DATABASE] {
        for skip in 0..12 {
            series.step(Fault { flavour, ..fault(SYNCS | file, skip, INPUT_OUTPUT) });
        }
    }
    assert!(series.refused > 0);
    series.end();
}

#[test]
fn the_kth_sync_fails_and_forgets() {
    syncs(Flavour::Plain);
}

#[test]
fn the_kth_sync_fails_although_it_was_done() {
    syncs(Flavour::Synced);
}

#[test]
fn the_kth_sync_fails_and_the_cache_is_dropped() {
    syncs(Flavour::Reverted);
}

/// The one case in which a refused message may be found again: the log had just started over, its header cannot be
/// synced, so nothing can be committed over what the failed batch left.
#[test]
fn every_sync_fails_from_the_kth_on() {
    let mut series = Series { in_doubt: true, late: true, ..Series::start() };
    for skip in 0..8 {
        series.step(Fault { fail: FOREVER, ..fault(SYNCS | LOG | DATABASE, skip, INPUT_OUTPUT) });
    }
    assert!(series.refused > 0);
    series.end();
}

#[test]
fn checkpoints_fail_half_way() {
    let mut series = Series::start();
    for skip in 0..20 {
        series.step(fault(WRITES | DATABASE, skip, NO_SPACE));
    }
    for skip in 0..3 {
        series.step(fault(SYNCS | DATABASE, skip, INPUT_OUTPUT));
        series.step(fault(TRUNCATIONS | DATABASE, skip, INPUT_OUTPUT));
    }
    // Never asked of a commit: it needs the log alone.
    assert_eq!(series.refused, 0);
    series.end();
}

/// What a checkpoint had noted as copied is copied again: the log is empty, and gone, only after that.
#[test]
fn a_database_that_could_not_be_synced_is_copied_again_without_a_restart() {
    let mut series = Series { late: true, ..Series::start() };
    let fault = fault(SYNCS | DATABASE, 0, INPUT_OUTPUT);
    while !series.step(fault) {}
    let log = series.layer.data().join("agentchat.db-wal");
    series.child.close();
    assert!(!log.exists(), "the log was copied to its end");
    series.books.audit(&series.layer.data(), "after the orderly end");
}

/// The log takes the commit and syncs it, but it cannot be made visible.
#[test]
fn the_index_cannot_grow() {
    let layer = Layer::new();
    let child = Child::start_with_long_log(&layer).expect("a store on a sound disk");
    let mut series = Series::of(layer, child);
    let fault = Fault { fail: FOREVER, ..fault(WRITES | TRUNCATIONS | INDEX, 0, NO_SPACE) };
    series.layer.break_down(fault);
    while series.layer.failed() == 0 {
        let outcome = series.child.burst(&mut series.books, &mut series.next, BURST);
        assert_eq!(outcome.otherwise, [""; 0]);
        series.refused += outcome.unavailable.len();
    }
    assert!(series.refused > 0);
    series.audit(&fault);
    series.failed = series.layer.repair();
    series.must_work("once the index can grow");
    series.end();
}

/// With nothing cached, so that there are reads, and with operations that do not heed what they are told.
fn reads(error: u64) {
    let mut series = Series::start();
    for skip in 0..12 {
        series.restart(Loss::Process);
        series.child.make_stubborn();
        series.step(fault(READS | LOG | DATABASE, skip, error));
    }
    assert!(series.refused > 0);
    series.end();
}

/// SQLite takes this one for a damaged page.
#[test]
fn the_kth_read_fails() {
    reads(INPUT_OUTPUT);
}

/// This one makes SQLite end the whole transaction, with the operation still running.
#[test]
fn the_kth_read_times_out() {
    reads(TIMED_OUT);
}
