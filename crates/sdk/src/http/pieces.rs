//! Answers too long to be held: their body is handed on piece by piece.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::error::Result;
use crate::http::request::{Request, Target};
use crate::http::transport::RawResponse;
use crate::http::{BoxFuture, Retry};

/// Pieces that wait for whoever takes them; until then the server waits.
const AHEAD: usize = 8;

/// Among the extensions of a request: where the body of a success goes.
#[derive(Clone, Debug)]
pub(crate) struct Outlet(pub(crate) mpsc::Sender<Bytes>);

/// A long answer under way.
#[must_use = "nothing is asked for until a piece is"]
pub struct Pieces<'c> {
    call: Option<BoxFuture<'c, Result<(RawResponse, u32)>>>,
    pieces: mpsc::Receiver<Bytes>,
    /// What is said once all pieces were taken.
    end: Option<Result<Bytes>>,
}

impl<'c> Pieces<'c> {
    /// One attempt without a time limit: a second one would begin anew.
    pub(crate) fn new(target: &'c Target, mut request: Request) -> Self {
        let (outlet, pieces) = mpsc::channel(AHEAD);
        request.set_timeout(None);
        request.set_outlet(Outlet(outlet));
        let request = request.retry(Retry::Never);
        Self { call: Some(Box::pin(super::driver::execute(target, request))), pieces, end: None }
    }

    /// The next piece; none once the answer is complete.
    ///
    /// # Errors
    /// The server's refusal, before the first piece; a connection that broke off, after any. Nothing follows.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        while let Some(call) = &mut self.call {
            tokio::select! {
                biased;
                Some(piece) = self.pieces.recv() => return Some(Ok(piece)),
                answered = call => {
                    self.call = None;
                    // A transport that knows nothing of outlets has read all of it.
                    self.end = Some(answered.map(|(answer, _)| answer.body)).filter(|end| !matches!(end, Ok(body) if body.is_empty()));
                }
            }
        }
        match self.pieces.recv().await {
            Some(piece) => Some(Ok(piece)),
            None => self.end.take(),
        }
    }
}

impl std::fmt::Debug for Pieces<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pieces").finish_non_exhaustive()
    }
}
