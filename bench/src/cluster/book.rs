//! What senders were told and handlers were handed, by flow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::direct::ledger::{Faults, Ledger};

/// The books of all flows, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Books(Arc<Vec<Mutex<Book>>>);

/// One flow: its sends are counted from 0, one after the other is acknowledged.
#[derive(Debug)]
pub(crate) struct Book {
    /// Counter → `seq` of every acknowledged send.
    pub(crate) acked: BTreeMap<u64, u64>,
    /// Counter → `seq` of everything that was handed to the handler.
    handed: BTreeMap<u64, u64>,
    ledger: Ledger,
}

impl Books {
    pub(crate) fn open(flows: usize) -> Self {
        Self(Arc::new((0..flows).map(|_| Mutex::new(Book::open())).collect()))
    }

    pub(crate) fn of(&self, flow: usize) -> MutexGuard<'_, Book> {
        self.0[flow].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = MutexGuard<'_, Book>> {
        (0..self.0.len()).map(|flow| self.of(flow))
    }

    /// Acknowledged sends that no handler was handed yet.
    pub(crate) fn outstanding(&self) -> u64 {
        self.all().map(|book| book.outstanding()).sum()
    }
}

impl Book {
    fn open() -> Self {
        Self { acked: BTreeMap::new(), handed: BTreeMap::new(), ledger: Ledger::after(0) }
    }

    pub(crate) fn acknowledge(&mut self, counter: u64, seq: u64) {
        self.acked.insert(counter, seq);
    }

    pub(crate) fn hand(&mut self, counter: u64, seq: u64) {
        self.ledger.enter(counter + 1);
        self.handed.insert(counter, seq);
    }

    pub(crate) fn handed(&self) -> u64 {
        self.handed.len() as u64
    }

    fn outstanding(&self) -> u64 {
        self.acked.keys().filter(|counter| !self.handed.contains_key(counter)).count() as u64
    }

    /// What went wrong between sender and handler.
    pub(crate) fn faults(&self) -> Faults {
        self.ledger.close(self.acked.keys().last().map_or(0, |counter| counter + 1))
    }

    /// Messages that the handler saw at another `seq` than the sender.
    pub(crate) fn misplaced(&self) -> u64 {
        let differs = |(counter, seq): &(&u64, &u64)| self.handed.get(counter).is_some_and(|handed| handed != *seq);
        self.acked.iter().filter(differs).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(acked: &[(u64, u64)], handed: &[(u64, u64)]) -> Book {
        let mut book = Book::open();
        acked.iter().for_each(|&(counter, seq)| book.acknowledge(counter, seq));
        handed.iter().for_each(|&(counter, seq)| book.hand(counter, seq));
        book
    }

    #[test]
    fn what_was_acknowledged_and_handed_balances() {
        let book = book(&[(0, 3), (1, 5)], &[(0, 3), (1, 5)]);
        assert_eq!((book.faults(), book.outstanding(), book.misplaced()), (Faults::default(), 0, 0));
    }

    #[test]
    fn what_was_never_handed_is_lost() {
        let book = book(&[(0, 3), (1, 5)], &[(0, 3)]);
        assert_eq!((book.faults().lost, book.outstanding()), (1, 1));
    }

    #[test]
    fn what_was_handed_twice_or_late_is_found() {
        let book = book(&[(0, 3), (1, 4), (2, 5)], &[(0, 3), (2, 5), (1, 4), (1, 4)]);
        assert_eq!(book.faults(), Faults { lost: 0, duplicated: 1, reordered: 1 });
    }

    #[test]
    fn another_place_than_the_sender_was_told_is_found() {
        assert_eq!(book(&[(0, 3)], &[(0, 4)]).misplaced(), 1);
    }
}
