//! Writes and reads on their way, whatever their types: what carries them is made once, not for each.

use crate::running::{TypedRead, TypedWrite, Work};
use crate::sqlite::Job as Finish;
use crate::{Read, StoreError, Tx, Write};

/// A write waiting for a transaction; it may be run several times.
pub(super) trait Job: Send {
    /// Where it stands among those on the same hot row.
    fn order(&self) -> i64;
    /// Takes what comes before the hot row in the order of locks.
    fn lock_before_hot_row(&self, tx: &mut Tx<'_>);
    /// Runs it; true when its changes are to be kept.
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> Work<'a>;
    /// Answers it: after the commit, after its own refusal, or with the store's failure.
    fn finish(self: Box<Self>, outcome: Result<(), StoreError>);
}

impl<W: Write> Job for TypedWrite<W> {
    fn order(&self) -> i64 {
        self.operation.hot_row().map_or(0, |hot| hot.order)
    }

    fn lock_before_hot_row(&self, tx: &mut Tx<'_>) {
        self.operation.lock_before_hot_row(tx);
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> Work<'a> {
        self.start(tx)
    }

    fn finish(self: Box<Self>, outcome: Result<(), StoreError>) {
        Finish::finish(self, outcome);
    }
}

/// A read; it may be run several times.
pub(super) trait Look: Send {
    /// Runs it; true when it saw what it asked for.
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> Work<'a>;
}

impl<R: Read> Look for TypedRead<R> {
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> Work<'a> {
        self.start(tx)
    }
}
