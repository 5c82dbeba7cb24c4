//! WebSocket frames on a connection that was upgraded.
//!
//! tungstenite reads, and answers pings and closes; all it writes goes into our [`Outbox`], behind the frames that
//! are there already.

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use agentchat_protocol::frame::close::Close;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tungstenite::error::{CapacityError, Error, ProtocolError};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig, WebSocketContext};

use super::meters::Meters;
use super::outbox::Outbox;

/// What one read asks for, and what an idle socket keeps.
const READ_BUFFER: usize = 4 * 1024;

/// Something from the peer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// A text or binary frame.
    Frame(Bytes),
    /// A ping or pong: a sign of life.
    Beat,
    /// The peer closed; the answer is in the outbox.
    Closed,
    /// A frame above the limit.
    TooLarge,
    /// Not the WebSocket protocol, or text that is no UTF-8: close with this.
    Broken(Close),
    /// The connection is gone.
    Gone,
}

/// One upgraded connection.
pub(super) struct Wire<S> {
    io: S,
    context: WebSocketContext,
    pub(super) out: Outbox,
    /// The last frame was none, or too large: what follows cannot be told apart.
    unreadable: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// The server's side of a connection; frames above `most` bytes are refused.
    pub(super) fn new(io: S, most: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_frame_size(Some(most))
            .max_message_size(Some(most));
        let context = WebSocketContext::new(Role::Server, Some(config));
        Self { io, context, out: Outbox::default(), unreadable: false }
    }

    /// From now on frames above `most` bytes are refused.
    pub(super) fn set_most(&mut self, most: usize) {
        self.context.set_config(|config| {
            config.max_frame_size = Some(most);
            config.max_message_size = Some(most);
        });
    }

    /// The next thing from the peer.
    pub(super) fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        let mut side = Side { io: &mut self.io, out: &mut self.out, context };
        let received = match self.context.read(&mut side) {
            Ok(Message::Text(text)) => Received::Frame(text.into()),
            Ok(Message::Binary(data)) => Received::Frame(data),
            Ok(Message::Close(_)) => Received::Closed,
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Received::Beat,
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) => {
                self.unreadable = true;
                failed(&error)
            }
        };
        // Puts the answer to a ping or a close into the outbox. Nothing can fail there that reading will not report.
        let _reported_by_the_next_read = self.context.flush(&mut side);
        Poll::Ready(received)
    }

    /// Writes what waits; ready when nothing is left.
    pub(super) fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.out.poll_write(&mut self.io, context)
    }

    /// The next thing from the peer; what waits is written meanwhile.
    pub(super) async fn receive(&mut self) -> Received {
        poll_fn(|context| {
            let received = self.poll_receive(context);
            match self.poll_write(context) {
                Poll::Ready(Err(_)) => Poll::Ready(Received::Gone),
                Poll::Ready(Ok(())) | Poll::Pending => received,
            }
        })
        .await
    }

    /// Says why, waits until the peer has it and answered, `within` at most, and ends the connection.
    pub(super) async fn close(mut self, close: &Close, within: Duration) {
        Meters::closed(close.code);
        let frame = CloseFrame { code: CloseCode::from(close.code), reason: close.reason.as_ref().into() };
        let mut nowhere = Unread(&mut self.out);
        let _queued = self.context.close(&mut nowhere, Some(frame));
        self.linger(within).await;
    }

    /// Ends a connection that the peer closed.
    pub(super) async fn end(self, within: Duration) {
        Meters::closed(1000);
        self.linger(within).await;
    }

    async fn linger(mut self, within: Duration) {
        let farewell = async {
            poll_fn(|context| self.poll_write(context)).await?;
            while !self.unreadable {
                match self.receive().await {
                    Received::Frame(_) | Received::Beat | Received::TooLarge | Received::Broken(_) => {}
                    Received::Closed => break,
                    Received::Gone => return Ok(()),
                }
            }
            poll_fn(|context| self.poll_write(context)).await?;
            self.io.shutdown().await?;
            // What the peer still sends is read, since a reset would take back what it has not read of ours.
            tokio::io::copy(&mut self.io, &mut tokio::io::sink()).await.map(|_| ())
        };
        // The peer may be gone or not read; the connection ends either way.
        let _late: Result<io::Result<()>, _> = tokio::time::timeout(within, farewell).await;
    }
}

fn failed(error: &Error) -> Received {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Received::TooLarge,
        Error::Utf8(_) => Received::Broken(Close::new(1007, "Not UTF-8")),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Received::Gone,
        Error::Protocol(_) => Received::Broken(Close::new(1002, "Protocol error")),
        _ => Received::Gone,
    }
}

/// The connection as tungstenite sees it: reads come from the peer, writes go into the outbox.
struct Side<'a, 'b, S> {
    io: &'a mut S,
    out: &'a mut Outbox,
    context: &'a mut Context<'b>,
}

impl<S: AsyncRead + Unpin> Read for Side<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut *self.io).poll_read(self.context, &mut buffer) {
            Poll::Ready(Ok(())) => Ok(buffer.filled().len()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S> Write for Side<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.raw(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection nothing is read from.
struct Unread<'a>(&'a mut Outbox);

impl Read for Unread<'_> {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Unread<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.raw(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
