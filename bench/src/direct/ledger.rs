//! What a receiver knows of one conversation: every `seq` once, in order, none left out.

use std::collections::BTreeSet;

use serde::Serialize;

/// What went wrong in a run; all zero in a clean one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Acknowledged to the sender, never delivered.
    pub lost: u64,
    /// Delivered more than once.
    pub duplicated: u64,
    /// Delivered after a later one.
    pub reordered: u64,
}

impl std::ops::AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
    }
}

/// The book of one conversation.
#[derive(Debug)]
pub struct Ledger {
    next: u64,
    missing: BTreeSet<u64>,
    faults: Faults,
}

impl Ledger {
    /// A book that expects `last_seq + 1` first.
    #[must_use]
    pub fn after(last_seq: u64) -> Self {
        Self { next: last_seq + 1, missing: BTreeSet::new(), faults: Faults::default() }
    }

    /// Enters one delivery.
    pub fn enter(&mut self, seq: u64) {
        if seq == self.next {
            self.next += 1;
        } else {
            self.enter_out_of_turn(seq);
        }
    }

    #[cold]
    fn enter_out_of_turn(&mut self, seq: u64) {
        if seq > self.next {
            self.missing.extend(self.next..seq);
            self.next = seq + 1;
        } else if self.missing.remove(&seq) {
            self.faults.reordered += 1;
        } else {
            self.faults.duplicated += 1;
        }
    }

    /// What went wrong, given the last `seq` that was acknowledged to the sender.
    #[must_use]
    pub fn close(&self, last_acked: u64) -> Faults {
        let tail = (last_acked + 1).saturating_sub(self.next);
        Faults { lost: self.missing.len() as u64 + tail, ..self.faults }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(seqs: &[u64], last_acked: u64) -> (u64, u64, u64) {
        let mut ledger = Ledger::after(2);
        seqs.iter().for_each(|&seq| ledger.enter(seq));
        let faults = ledger.close(last_acked);
        (faults.lost, faults.duplicated, faults.reordered)
    }

    #[test]
    fn in_order_is_clean() {
        assert_eq!(faults(&[3, 4, 5], 5), (0, 0, 0));
    }

    #[test]
    fn what_never_came_is_lost() {
        assert_eq!(faults(&[3, 5], 7), (3, 0, 0));
    }

    #[test]
    fn late_is_reordered_and_twice_is_duplicated() {
        assert_eq!(faults(&[3, 5, 4, 4], 5), (0, 1, 1));
    }
}
