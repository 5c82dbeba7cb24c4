//! What a session's driver needs of a connection, whatever is spoken on it.

use std::future::Future;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use agentchat_protocol::frame::close::Close;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Timing;
use super::beat::Rhythm;
use super::outbox::Outbox;
use super::wire::{Received, Wire};

/// One authenticated connection.
pub(super) trait Line: Sized {
    /// How often it is pinged.
    fn rhythm(timing: &Timing) -> Rhythm;
    /// What was not written yet.
    fn out(&self) -> &Outbox;
    /// Appends a `message.new` out of parts; a received one has a delivery id.
    fn message(&mut self, delivery: Option<&str>, parts: &[&str]);
    /// Appends any other frame.
    fn frame(&mut self, text: &str);
    /// Appends a sign of life.
    fn ping(&mut self);
    /// The next thing from the peer.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received>;
    /// Writes what waits; ready when nothing is left.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Says why, and ends the connection, `within` at most.
    fn close(self, close: &Close, within: Duration) -> impl Future<Output = ()> + Send;
    /// Ends a connection that the peer closed.
    fn end(self, within: Duration) -> impl Future<Output = ()> + Send;
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Line for Wire<S> {
    fn rhythm(timing: &Timing) -> Rhythm {
        Rhythm::of_socket(timing)
    }

    fn out(&self) -> &Outbox {
        &self.out
    }

    fn message(&mut self, _delivery: Option<&str>, parts: &[&str]) {
        self.out.text(parts);
    }

    fn frame(&mut self, text: &str) {
        self.out.text(&[text]);
    }

    fn ping(&mut self) {
        self.out.ping();
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        Wire::poll_receive(self, context)
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Wire::poll_write(self, context)
    }

    fn close(self, close: &Close, within: Duration) -> impl Future<Output = ()> + Send {
        Wire::close(self, close, within)
    }

    fn end(self, within: Duration) -> impl Future<Output = ()> + Send {
        Wire::end(self, within)
    }
}
