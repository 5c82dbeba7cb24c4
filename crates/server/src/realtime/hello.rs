//! The first frame of a socket without an `Authorization` header.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use agentchat_core::accounts::Caller;
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::frame::close::{self, Close};
use agentchat_protocol::frame::{ClientFrame, Hello, MAX_CLIENT_FRAME};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

use super::wire::{Received, Wire};
use crate::app::App;
use crate::error::{AppError, Result};
use crate::extract::authenticate;

/// Frames that may come while the key is looked at; further ones wait in the connection.
const EARLY_FRAMES: usize = 16;

/// A HELLO with a key that opens an account.
pub(super) struct Greeting {
    pub(super) hello: Hello,
    pub(super) caller: Arc<Caller>,
    /// Frames that came meanwhile.
    pub(super) early: VecDeque<Bytes>,
}

/// Why there is no socket.
pub(super) enum NoSocket {
    /// It is closed with this.
    Refused(Close),
    /// The peer left.
    Left,
    /// The peer closed it.
    Closed,
}

/// Reads the HELLO and looks at its key. Never gives up before the first frame was read or its time is over.
pub(super) async fn greet<S>(app: &App, wire: &mut Wire<S>) -> Result<Greeting, NoSocket>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let hello = first_frame(app, wire).await?;
    if app.hub.stopping().is_cancelled() {
        return Err(NoSocket::Refused(close::SHUTTING_DOWN));
    }
    wire.set_most(MAX_CLIENT_FRAME);
    let (found, early) = look_up(app, wire, &hello.api_key).await?;
    let caller = admitted(found)?;
    Ok(Greeting { hello, caller, early })
}

async fn first_frame<S>(app: &App, wire: &mut Wire<S>) -> Result<Hello, NoSocket>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let timing = &app.config.timing;
    let mut until = Instant::now() + timing.hello;
    let mut stopping = false;
    loop {
        let received = tokio::select! {
            biased;
            received = wire.receive() => received,
            () = sleep_until(until) => {
                let why = if stopping { close::SHUTTING_DOWN } else { close::HELLO_REQUIRED };
                return Err(NoSocket::Refused(why));
            }
            () = app.hub.stopping().cancelled(), if !stopping => {
                stopping = true;
                until = until.min(Instant::now() + timing.hello_at_shutdown);
                continue;
            }
        };
        match received {
            Received::Beat => {}
            Received::Frame(frame) => {
                return match ClientFrame::parse(&frame) {
                    Ok(ClientFrame::Hello(hello)) => Ok(hello),
                    _ => Err(NoSocket::Refused(close::HELLO_REQUIRED)),
                };
            }
            Received::TooLarge => return Err(NoSocket::Refused(close::HELLO_REQUIRED)),
            other => return Err(ended(other)),
        }
    }
}

type Found = Result<Option<Arc<Caller>>>;

/// Looks at the key, and reads on meanwhile: a peer that leaves is never registered.
async fn look_up<S>(app: &App, wire: &mut Wire<S>, key: &str) -> Result<(Found, VecDeque<Bytes>), NoSocket>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut looking = pin!(authenticate(app, key));
    let mut early: VecDeque<Bytes> = VecDeque::new();
    let mut bytes = 0;
    poll_fn(|context| {
        if let Poll::Ready(found) = looking.as_mut().poll(context) {
            return Poll::Ready(Ok((found, std::mem::take(&mut early))));
        }
        while early.len() < EARLY_FRAMES && bytes < MAX_CLIENT_FRAME {
            match wire.poll_receive(context) {
                Poll::Pending => break,
                Poll::Ready(Received::Beat) => {}
                Poll::Ready(Received::Frame(frame)) => {
                    bytes += frame.len();
                    early.push_back(frame);
                }
                Poll::Ready(Received::TooLarge) => {
                    return Poll::Ready(Err(NoSocket::Refused(close::FRAME_TOO_LARGE)));
                }
                Poll::Ready(other) => return Poll::Ready(Err(ended(other))),
            }
        }
        match wire.poll_write(context) {
            Poll::Ready(Err(_)) => Poll::Ready(Err(NoSocket::Left)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn admitted(found: Found) -> Result<Arc<Caller>, NoSocket> {
    match found {
        Ok(Some(caller)) if caller.status == AgentStatus::Suspended => Err(NoSocket::Refused(close::ACCOUNT_SUSPENDED)),
        Ok(Some(caller)) => Ok(caller),
        Ok(None) => Err(NoSocket::Refused(close::INVALID_API_KEY)),
        Err(error) => Err(NoSocket::Refused(not_now(&error))),
    }
}

fn ended(received: Received) -> NoSocket {
    match received {
        Received::Closed => NoSocket::Closed,
        Received::Broken(close) => NoSocket::Refused(close),
        Received::TooLarge => NoSocket::Refused(close::FRAME_TOO_LARGE),
        Received::Gone | Received::Beat | Received::Frame(_) => NoSocket::Left,
    }
}

/// The close of a socket whose key could not be looked at.
pub(super) fn not_now(error: &AppError) -> Close {
    if error.code() == ErrorCode::ServiceUnavailable {
        return close::OVERLOADED;
    }
    tracing::error!(%error, "a socket's key could not be looked up");
    close::INTERNAL_ERROR
}
