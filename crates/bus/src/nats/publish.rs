//! Sends what is published, in order, from a queue of limited size.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_nats::Client;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use super::link::{Link, count};
use super::names::Names;
use crate::{Health, Subject};

/// What may wait to be sent, in bytes. It waits when the server is slow, and for the about three seconds in which it is
/// gone but not yet missed.
const WAITING_BYTES: usize = 16 * 1024 * 1024;
/// What a payload takes besides its own bytes.
const OVERHEAD: usize = 128;

enum Order {
    Publish(Subject, Bytes),
    Close(oneshot::Sender<bool>),
}

/// The end that publishes.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    orders: mpsc::UnboundedSender<Order>,
    waiting: Arc<AtomicUsize>,
}

/// The end that sends.
pub(super) struct Sending {
    client: Client,
    names: Names,
    link: Arc<Link>,
    health: watch::Receiver<Health>,
    orders: mpsc::UnboundedReceiver<Order>,
    waiting: Arc<AtomicUsize>,
}

pub(super) fn queue(client: Client, names: Names, link: Arc<Link>) -> (Outgoing, Sending) {
    let (sender, orders) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let outgoing = Outgoing { orders: sender, waiting: waiting.clone() };
    let health = link.changed();
    (outgoing, Sending { client, names, link, health, orders, waiting })
}

impl Outgoing {
    /// `false` when too much waits already.
    pub(super) fn push(&self, subject: Subject, payload: Bytes) -> bool {
        let size = payload.len() + OVERHEAD;
        if self.waiting.fetch_add(size, Ordering::Relaxed) + size > WAITING_BYTES {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            return false;
        }
        self.orders.send(Order::Publish(subject, payload)).is_ok()
    }

    /// Bytes that wait to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Sends what waits and has the connection end after it. `false` when there is none, or has been closed before.
    pub(super) async fn close(&self) -> bool {
        let (done, wait) = oneshot::channel();
        self.orders.send(Order::Close(done)).is_ok() && wait.await.unwrap_or(false)
    }
}

impl Sending {
    /// Runs until the queue is closed.
    pub(super) async fn run(mut self) {
        while let Some(order) = self.orders.recv().await {
            match order {
                Order::Publish(subject, payload) => self.send(subject, payload).await,
                Order::Close(done) => return self.close(done).await,
            }
        }
    }

    async fn send(&mut self, subject: Subject, payload: Bytes) {
        let size = payload.len() + OVERHEAD;
        let sent = tokio::select! {
            biased;
            _ = self.health.wait_for(|health| *health == Health::Lost) => false,
            result = self.client.publish(self.names.spell(subject), payload) => result.is_ok(),
        };
        self.waiting.fetch_sub(size, Ordering::Relaxed);
        let counters = &self.link.counters;
        count(if sent { &counters.published } else { &counters.dropped });
    }

    async fn close(self, done: oneshot::Sender<bool>) {
        let sent = self.link.health() == Health::Up && self.client.flush().await.is_ok();
        let _ = done.send(sent && self.client.drain().await.is_ok());
    }
}
