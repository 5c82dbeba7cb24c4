//! A start on a full disk says so, and does no harm.

use super::child::Child;
use super::layer::{EVERY_FILE, FOREVER, Fault, Flavour, Layer, Loss, NO_SPACE, WRITES};
use crate::books::Books;

fn full_from(skip: u64) -> Fault {
    Fault { what: WRITES | EVERY_FILE, skip, fail: FOREVER, error: NO_SPACE, flavour: Flavour::Plain }
}

#[test]
fn a_first_start_that_finds_no_room_at_the_kth_write_can_be_repeated() {
    for skip in (0..).step_by(3) {
        let layer = Layer::new();
        layer.break_down(full_from(skip));
        let child = Child::open(&layer);
        if layer.repair() == 0 {
            assert!(child.is_ok() && skip > 10, "a start that found room for {skip} writes");
            return;
        }
        if let Err(why) = &child {
            check_clear(why, &layer);
        }
        drop(child);
        Child::start(&layer).expect("a start with room").close();
    }
}

#[test]
fn a_start_after_a_crash_on_a_full_disk_loses_nothing() {
    let (layer, mut books) = (Layer::new(), Books::default());
    let mut child = Child::start(&layer).expect("a store on a sound disk");
    child.load(0);
    child.listen(&mut books, 100);
    child.kill(&mut books);
    layer.lose(Loss::Unsynced).expect("a folder after a crash");
    for skip in 0..3 {
        layer.break_down(full_from(skip));
        if let Err(why) = Child::open(&layer) {
            check_clear(&why, &layer);
        }
        layer.repair();
    }
    let left = tempfile::tempdir().expect("a folder");
    layer.copy_after(Loss::Unsynced, left.path()).expect("a copy");
    books.audit(left.path(), "after starts on a full disk");
    Child::start(&layer).expect("a start with room").close();
    books.audit(&layer.data(), "after a start with room");
}

fn check_clear(why: &str, layer: &Layer) {
    assert!(why.contains(&layer.data().display().to_string()), "{why}: which folder?");
    assert!(why.contains("full") || why.contains("space"), "{why}: what is to be done?");
}
