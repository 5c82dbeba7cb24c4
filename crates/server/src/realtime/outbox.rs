//! Frames on their way to the peer: appended whole, written in as few calls as the connection allows.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

/// First byte of a final text frame.
const TEXT: u8 = 0x81;
/// First byte of a ping.
const PING: u8 = 0x89;

/// Bytes that were not written yet.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// Bytes of `bytes` that are written.
    done: usize,
    /// Bytes ever written.
    written: u64,
    /// The last attempt ended because the connection took no more.
    blocked: bool,
}

impl Outbox {
    /// Appends one text frame out of parts.
    pub(super) fn text(&mut self, parts: &[&str]) {
        self.header(TEXT, parts.iter().map(|part| part.len()).sum());
        for part in parts {
            self.bytes.extend_from_slice(part.as_bytes());
        }
    }

    /// Appends an empty ping.
    pub(super) fn ping(&mut self) {
        self.header(PING, 0);
    }

    /// Appends bytes that are a frame already.
    pub(super) fn raw(&mut self, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
    }

    fn header(&mut self, first: u8, length: usize) {
        self.bytes.reserve(length + 10);
        self.bytes.push(first);
        match length {
            0..=125 => self.bytes.push(length as u8),
            126..=0xffff => {
                self.bytes.push(126);
                self.bytes.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                self.bytes.push(127);
                self.bytes.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.done
    }

    /// Bytes ever written: what was appended is with the operating system once this has passed [`Outbox::end`].
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Bytes ever appended.
    pub(super) fn end(&self) -> u64 {
        self.written + self.len() as u64
    }

    /// Bytes wait because the connection takes no more.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Writes until nothing is left or the connection takes no more.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.done < self.bytes.len() {
            match Pin::new(&mut *io).poll_write(context, &self.bytes[self.done..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    self.done += count;
                    self.written += count as u64;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.blocked = true;
                    self.forget_written();
                    return Poll::Pending;
                }
            }
        }
        self.blocked = false;
        self.done = 0;
        // An idle socket owns no buffer.
        self.bytes = Vec::new();
        Pin::new(io).poll_flush(context)
    }

    fn forget_written(&mut self) {
        if self.done > self.bytes.len() / 2 {
            self.bytes.drain(..self.done);
            self.done = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(length: usize) -> Vec<u8> {
        let mut outbox = Outbox::default();
        outbox.text(&["x".repeat(length).as_str()]);
        outbox.bytes
    }

    #[test]
    fn lengths_are_spelled_as_short_as_possible() {
        assert_eq!(framed(125)[..2], [0x81, 125]);
        assert_eq!(framed(126)[..4], [0x81, 126, 0, 126]);
        assert_eq!(framed(0xffff)[..4], [0x81, 126, 0xff, 0xff]);
        assert_eq!(framed(0x1_0000)[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn parts_become_one_frame() {
        let mut outbox = Outbox::default();
        outbox.text(&["ab", "", "c"]);
        outbox.ping();
        assert_eq!(outbox.bytes, b"\x81\x03abc\x89\x00");
        assert_eq!(outbox.end(), 7);
    }

    #[tokio::test]
    async fn writes_what_the_connection_takes_and_remembers_the_rest() {
        let (mut near, mut far) = tokio::io::duplex(4);
        let mut outbox = Outbox::default();
        outbox.text(&["hello"]);
        let first = std::future::poll_fn(|context| Poll::Ready(outbox.poll_write(&mut near, context))).await;
        assert!(first.is_pending() && outbox.is_blocked());
        assert_eq!((outbox.written(), outbox.len()), (4, 3));
        let mut taken = [0; 4];
        tokio::io::AsyncReadExt::read_exact(&mut far, &mut taken).await.unwrap();
        std::future::poll_fn(|context| outbox.poll_write(&mut near, context)).await.unwrap();
        assert_eq!((outbox.written(), outbox.len(), outbox.is_blocked()), (7, 0, false));
        assert_eq!(outbox.bytes.capacity(), 0);
    }
}
