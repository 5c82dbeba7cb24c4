//! Requests that cannot even be parsed. hyper answers them itself, without a body; on its way out that answer gets
//! the JSON envelope and the headers that every other response has.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::arrival::RequestId;
use crate::entropy::Entropy;
use crate::error::AppError;

/// hyper's own answers are no longer than this.
const LONGEST: usize = 256;

/// A connection whose bare refusals are replaced by enveloped ones.
#[derive(Debug)]
pub(crate) struct Enveloped<S> {
    stream: S,
    entropy: Entropy,
    /// The replacement that is being written instead of what hyper offers.
    refusal: Option<Box<Refusal>>,
}

#[derive(Debug)]
struct Refusal {
    bytes: Vec<u8>,
    written: usize,
}

impl<S> Enveloped<S> {
    /// Wraps a connection; `entropy` makes the ids of what never became a request.
    pub(crate) fn new(stream: S, entropy: Entropy) -> Self {
        Self { stream, entropy, refusal: None }
    }
}

impl<S: AsyncWrite + Unpin> Enveloped<S> {
    /// Writes the replacement; done when hyper may believe that its own `offered` bytes are out.
    fn poll_refusal(&mut self, offered: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self { stream, refusal, .. } = self;
        while let Some(Refusal { bytes, written }) = refusal.as_deref_mut()
            && *written < bytes.len()
        {
            match ready!(Pin::new(&mut *stream).poll_write(cx, &bytes[*written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                some => *written += some,
            }
        }
        *refusal = None;
        Poll::Ready(Ok(offered))
    }

    /// Whether the replacement of these bytes has to be written instead of them.
    fn replaces(&mut self, offered: &[u8]) -> bool {
        if self.refusal.is_none() && is_bare(offered) {
            let bytes = enveloped(&RequestId::fresh(&self.entropy));
            self.refusal = Some(Box::new(Refusal { bytes, written: 0 }));
        }
        self.refusal.is_some()
    }
}

/// hyper's answer to what it cannot parse. Our own responses carry a request id, sockets speak in frames.
fn is_bare(bytes: &[u8]) -> bool {
    let refuses = bytes.len() <= LONGEST && bytes.starts_with(b"HTTP/1.") && bytes.get(8..10) == Some(b" 4");
    refuses && holds(bytes, b"\r\ncontent-length: 0\r\n") && !holds(bytes, b"\r\nx-request-id: ")
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn enveloped(id: &RequestId) -> Vec<u8> {
    let body = AppError::form("The request line or a header is malformed or too long").to_json();
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: {}\r\n\
         x-request-id: {}\r\nx-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\n\r\n",
        body.len(),
        id.as_str(),
    );
    [head.as_bytes(), &body].concat()
}

impl<S: AsyncRead + Unpin> AsyncRead for Enveloped<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Enveloped<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.replaces(buf) {
            self.poll_refusal(buf.len(), cx)
        } else {
            Pin::new(&mut self.stream).poll_write(cx, buf)
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = bufs.first().map_or(&[][..], |first| first);
        if self.replaces(first) {
            self.poll_refusal(first.len(), cx)
        } else {
            Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
