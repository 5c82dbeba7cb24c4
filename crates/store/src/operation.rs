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
    /// A number for the row that many of these operations want to lock at once, if there is one: where a lock costs a
    /// connection, they wait for each other before they take one. Only a hint.
    fn hot_row(&self) -> Option<u64> {
        None
    }
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
