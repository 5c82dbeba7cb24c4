//! What is known of the connection to NATS, shared by all that use it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Event, Request, RequestErrorKind};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::names::Names;
use crate::Health;

/// How long the server may take to answer that it is there.
const ANSWER: Duration = Duration::from_secs(2);
/// Events tell of every change; this is for one that went under in a flood of others.
const LOOK: Duration = Duration::from_secs(1);

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) published: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) unwanted: AtomicU64,
    pub(super) missed: AtomicU64,
    pub(super) connected: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Link {
    health: watch::Sender<Health>,
    moved: Notify,
    closed: AtomicBool,
    /// What was last written to the log about attempts that failed.
    failure: Mutex<Option<String>>,
    pub(super) counters: Counters,
}

impl Link {
    pub(super) fn new() -> Link {
        Link {
            health: watch::Sender::new(Health::Lost),
            moved: Notify::new(),
            closed: AtomicBool::new(false),
            failure: Mutex::new(None),
            counters: Counters::default(),
        }
    }

    pub(super) fn health(&self) -> Health {
        *self.health.borrow()
    }

    pub(super) fn changed(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    pub(super) async fn until(&self, health: Health) {
        // The sender is ours, so it cannot be gone.
        let _ = self.changed().wait_for(|now| *now == health).await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Nothing is published from now on.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Says that payloads are lost; tells whether that is news.
    pub(super) fn lose(&self) -> bool {
        self.health.send_if_modified(|health| std::mem::replace(health, Health::Lost) != Health::Lost)
    }

    /// What the client noticed. Runs between its reads, so nothing here waits.
    pub(super) fn notice(&self, event: &Event) {
        match event {
            Event::Disconnected | Event::Closed => self.disconnected(),
            Event::SlowConsumer(_) => count(&self.counters.missed),
            Event::ClientError(error) => self.failed(error.to_string()),
            Event::ServerError(error) => self.failed(error.to_string()),
            _ => {}
        }
        self.moved.notify_one();
    }

    fn disconnected(&self) {
        if self.lose() && !self.is_closed() {
            tracing::warn!("NATS is lost; other nodes learn of changes by looking into the store until it is back");
        }
    }

    /// Attempts go on at least once a second: one line for each reason, not for each attempt.
    fn failed(&self, reason: String) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if failure.as_ref() != Some(&reason) {
            tracing::warn!(reason, "NATS refuses or cannot be reached; attempts go on");
            *failure = Some(reason);
        }
    }

    /// Follows the connection for ever. It is up once the server has answered: its commands being taken in order, all
    /// subscriptions that the client made again after connecting stand by then.
    pub(super) async fn watch(&self, client: Client, names: Names) {
        loop {
            match (client.connection_state(), self.health()) {
                (State::Connected, Health::Lost) if answers(&client, &names).await => self.connected(),
                (State::Connected, _) => {}
                _ => self.disconnected(),
            }
            let _ = timeout(LOOK, self.moved.notified()).await;
        }
    }

    fn connected(&self) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
        count(&self.counters.connected);
        self.health.send_replace(Health::Up);
        let dropped = self.counters.dropped.load(Ordering::Relaxed);
        tracing::info!(dropped, "NATS is there");
    }
}

/// Whether the server has taken everything that was sent to it before. It says so itself where nobody listens.
pub(super) async fn answers(client: &Client, names: &Names) -> bool {
    let request = Request::new().timeout(Some(ANSWER));
    match client.send_request(names.nobody(), request).await {
        Ok(_) => true,
        Err(error) => error.kind() == RequestErrorKind::NoResponders,
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
