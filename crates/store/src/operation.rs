//! Operations: what is run inside a transaction.

use std::future::Future;

use crate::{StoreError, Tx};

/// Something that changes the store, in one transaction.
///
/// `run` takes `&self` because an engine may run it again after a serialization failure; it must be deterministic.
/// An `Err` undoes this operation alone; what must survive a refusal belongs into `Out`.
pub trait Write: Send + Sync + 'static {
    /// What the operation answers once it is durable.
    type Out: Send + 'static;
    /// Its own rejections and the store's failures.
    type Error: From<StoreError> + Send + 'static;
    /// Does the work. The future may wait on nothing but `tx`.
    fn run(&self, tx: &mut Tx<'_>) -> impl Future<Output = Result<Self::Out, Self::Error>> + Send;
    /// The row that many of these operations want to lock at once, if there is one. Where a lock costs a connection and
    /// a commit, they wait for each other before they take one, and share it. Only a hint.
    fn hot_row(&self) -> Option<HotRow> {
        None
    }
    /// Takes the locks that come before the hot row's in the order of locks; called before any operation runs that
    /// shares the transaction.
    fn lock_before_hot_row(&self, _tx: &mut Tx<'_>) {}
}

/// What [`Write::hot_row`] answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HotRow {
    /// Any number that stands for the row.
    pub row: u64,
    /// Operations that share a transaction run in ascending order of this, so that nodes lock in the same order.
    pub order: i64,
}

/// Something that only looks, on one consistent snapshot. Keep it short: a long read pins the log.
pub trait Read: Send + Sync + 'static {
    /// What was read.
    type Out: Send + 'static;
    /// Its own rejections and the store's failures.
    type Error: From<StoreError> + Send + 'static;
    /// Does the reading. The future may wait on nothing but `tx`.
    fn run(&self, tx: &mut Tx<'_>) -> impl Future<Output = Result<Self::Out, Self::Error>> + Send;
}
