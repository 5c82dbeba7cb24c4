//! The stream of a realtime client.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::{FuturesUnordered, Stream};

use super::delivery::Delivery;
use super::driver::{Command, Guard};
use super::event::Event;
use super::queue::Queue;
use crate::error::Error;

/// Events of a realtime client, for one consumer. Whoever takes from it is the handler of its messages: until it is
/// polled for the first time, and after it is dropped, messages stay at the server.
#[must_use = "messages are handled by whoever reads the events"]
pub struct Events {
    queue: Arc<Queue>,
    guard: Arc<Guard>,
    polled: bool,
}

impl Events {
    pub(super) fn new(queue: Arc<Queue>, guard: Arc<Guard>) -> Self {
        Self { queue, guard, polled: false }
    }

    /// The next event; none after the client was closed or stopped for good, when the reason was the last event.
    ///
    /// Cancel-safe: an event is either returned or still queued.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|context| self.poll_event(context)).await
    }

    /// The next event if one is there.
    pub fn try_next(&mut self) -> Option<Event> {
        self.begin();
        self.queue.try_pop()
    }

    /// Runs `handle` for each message, up to the configured number of conversations at a time: `Ok` acknowledges the
    /// message, `Err` leaves it to be offered again. Other events are not looked at.
    ///
    /// # Errors
    /// Why the client stopped for good; `Ok` when it was closed.
    pub async fn process<F, Fut, E>(mut self, handle: F) -> Result<(), Error>
    where
        F: Fn(Arc<Delivery>) -> Fut + Send + Sync,
        Fut: Future<Output = Result<(), E>> + Send,
        E: fmt::Display + Send,
    {
        let mut running = FuturesUnordered::new();
        let mut result = Ok(());
        loop {
            let event = tokio::select! {
                Some(()) = running.next(), if !running.is_empty() => continue,
                event = self.next() => event,
            };
            match event {
                Some(Event::Message(delivery)) => running.push(run(&handle, Arc::new(delivery))),
                Some(Event::Terminal(error)) => result = Err(error),
                Some(_) => {}
                None => break,
            }
        }
        while running.next().await.is_some() {}
        result
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.begin();
        self.queue.poll(context)
    }

    /// From the first poll on there is a handler.
    fn begin(&mut self) {
        if !std::mem::replace(&mut self.polled, true) {
            self.guard.send(Command::HandlersChanged(true));
        }
    }
}

async fn run<F, Fut, E>(handle: &F, delivery: Arc<Delivery>)
where
    F: Fn(Arc<Delivery>) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    match handle(delivery.clone()).await {
        Ok(()) => delivery.settle(true),
        Err(error) => {
            tracing::warn!(target: "agentchat::realtime", id = ?delivery.id(), %error, "a message was not handled");
            delivery.settle(false);
        }
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(context)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.guard.send(Command::HandlersChanged(false));
        drop(self.queue.clear());
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Events").field("polled", &self.polled).finish_non_exhaustive()
    }
}
