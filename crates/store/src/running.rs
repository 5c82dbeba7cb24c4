//! Operations at work, whatever their types. The code of an operation is made once and serves every engine: all of them
//! poll it through this.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use tokio::sync::oneshot;

use crate::{Read, StoreError, Tx, Write};

/// An operation at work; true when it did what it was asked for.
pub(crate) type Work<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// What is to be done with an answer before its caller gets it.
pub(crate) type Then<W> = Box<dyn FnOnce(&Result<<W as Write>::Out, <W as Write>::Error>) + Send>;

/// A write on its way to its answer; without one it panicked.
pub(crate) struct TypedWrite<W: Write> {
    pub operation: W,
    pub answer: Option<Result<W::Out, W::Error>>,
    pub then: Option<Then<W>>,
    pub reply: oneshot::Sender<Result<W::Out, W::Error>>,
}

impl<W: Write> TypedWrite<W> {
    /// Begins the work; it may be begun again.
    #[inline(never)]
    pub(crate) fn start<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> Work<'a> {
        self.answer = None;
        Box::pin(async {
            self.answer = AssertUnwindSafe(self.operation.run(tx)).catch_unwind().await.ok();
            self.answer.as_ref().is_some_and(Result::is_ok)
        })
    }
}

/// A read on its way to its answer; without one it panicked.
pub(crate) struct TypedRead<R: Read> {
    pub operation: R,
    pub answer: Option<Result<R::Out, R::Error>>,
}

impl<R: Read> TypedRead<R> {
    /// Begins the work; it may be begun again.
    #[inline(never)]
    pub(crate) fn start<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> Work<'a> {
        self.answer = None;
        Box::pin(async {
            self.answer = AssertUnwindSafe(self.operation.run(tx)).catch_unwind().await.ok();
            self.answer.as_ref().is_some_and(Result::is_ok)
        })
    }
}

/// Does work that never waits. One that does is a fault of that operation alone.
pub(crate) fn at_once(mut work: Work<'_>) -> Result<bool, StoreError> {
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Ok(done),
        Poll::Pending => {
            Err(StoreError::Internal("an operation waited for something other than its transaction".into()))
        }
    }
}

/// What is answered without an answer.
pub(crate) fn panicked() -> StoreError {
    StoreError::Internal("the operation panicked".into())
}
