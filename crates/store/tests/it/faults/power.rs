//! The process is killed, or the power goes, in the middle of the work.

use super::child::Child;
use super::layer::{EVERY_FILE, FOREVER, Fault, Flavour, Layer, Loss, SYNCS};
use crate::books::Books;

const ROUNDS: u64 = 12;

/// Each round looks at all that the same moment could have left, and the next one goes on with one of them.
#[test]
fn what_was_acknowledged_outlives_a_power_cut() {
    let (layer, mut books, mut next) = (Layer::new(), Books::default(), 0);
    for round in 0..ROUNDS {
        let mut child = Child::start(&layer).expect("a store on what is left");
        child.load(next);
        // The child does not wait for anybody: where in its work it is then is up to the machine.
        let mut outcome = child.listen(&mut books, 20 + round * 37 % 211);
        outcome.unavailable.extend(child.kill(&mut books).unavailable);
        assert_eq!(outcome.unavailable, [""; 0], "the disk is sound");
        for loss in losses(round) {
            check(&layer, loss, &books);
        }
        let loss = losses(round)[round as usize % losses(round).len()];
        layer.lose(loss).expect("a folder after a crash");
        let left = tempfile::tempdir().expect("a folder");
        layer.copy_after(Loss::Process, left.path()).expect("a copy");
        books.settle(left.path(), &format!("round {round}, {loss:?}"));
        // Far behind the numbers of which nothing was heard.
        next = (next / 1_000_000 + 1) * 1_000_000;
    }
}

fn losses(round: u64) -> [Loss; 5] {
    let seed = |number| Loss::SomeSectors(1 + round * 3 + number);
    [Loss::Unsynced, seed(0), Loss::Process, seed(1), seed(2)]
}

fn check(layer: &Layer, loss: Loss, books: &Books) {
    let left = tempfile::tempdir().expect("a folder");
    layer.copy_after(loss, left.path()).expect("a copy of what is left");
    books.audit(left.path(), &format!("{loss:?}"));
}

/// Not a promise of the store, but of these tests: a commit that is not on disk is noticed.
#[test]
fn the_layer_tells_when_a_sync_was_a_lie() {
    let (layer, mut books, mut next) = (Layer::new(), Books::default(), 0);
    let mut child = Child::start(&layer).expect("a store on a sound disk");
    let lie = Fault { what: SYNCS | EVERY_FILE, skip: 0, fail: FOREVER, error: 0, flavour: Flavour::Lying };
    layer.break_down(lie);
    let outcome = child.burst(&mut books, &mut next, 8);
    assert_eq!(outcome.unavailable, [""; 0]);
    let left = tempfile::tempdir().expect("a folder");
    layer.copy_after(Loss::Unsynced, left.path()).expect("a copy of what is left");
    let kept = Books::default().audit_in_doubt(left.path(), "after a lie");
    assert!(outcome.acked > 0 && kept.is_empty(), "{kept:?}");
}
