//! Tells how far a request's body was written, so that time limits can follow it (H20).

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

const CHUNK: usize = 64 * 1024;

/// How far the body is.
#[derive(Clone, Copy)]
pub(crate) struct State {
    /// The last time a piece was taken.
    pub(crate) moved_at: Instant,
    /// Whether the last piece was taken.
    pub(crate) written: bool,
}

/// Shared between a body and the timer that watches it.
#[derive(Clone)]
pub(crate) struct Progress(Arc<Mutex<State>>);

impl Progress {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { moved_at: Instant::now(), written: false })))
    }

    pub(crate) fn state(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moved(&self, written: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State { moved_at: Instant::now(), written };
    }
}

/// A body in pieces of 64 KiB that reports when they are taken.
pub(crate) struct PacedBody {
    data: Bytes,
    progress: Progress,
}

impl PacedBody {
    pub(crate) fn new(data: Bytes, progress: Progress) -> Self {
        if data.is_empty() {
            progress.moved(true);
        }
        Self { data, progress }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.data.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.data.len().min(CHUNK);
        let piece = self.data.split_to(length);
        self.progress.moved(self.data.is_empty());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.len() as u64)
    }
}
