//! The embedded engine: one writer, a few readers, a checkpointer, one file.

mod checkpoint;
mod connection;
mod engine;
mod folder;
mod migrate;
mod others;
mod readers;
mod writer;

use checkpoint::{Checkpointer, Log};
use connection::{DATABASE_FILE, reader, writer};
pub(crate) use engine::Embedded;
pub(crate) use folder::{has_store, mark_moved, take, unmark_moved};
use others::Others;
use readers::{ReadJob, Readers};
use writer::{Finished, Queue, Writer, WriterParts};
pub(crate) use writer::{Job, Then, TypedWrite};

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::StoreError;

/// Runs a future that never waits. One that does is a fault of that operation alone.
pub(crate) fn poll_once<T, E: From<StoreError>>(future: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => {
            Err(StoreError::Internal("an operation waited for something other than its transaction".into()).into())
        }
    }
}
