//! The way to the other nodes, for as long as the server runs.

use std::sync::Arc;
use std::time::Duration;

use agentchat_bus::{Bus, BusError, Health, Nats, NatsOptions, Traffic};
use tokio::sync::watch;

use crate::app::App;
use crate::config::Secret;

/// A bus that is connected, or tries to be.
#[derive(Debug)]
pub(crate) struct Link {
    nats: Arc<Nats>,
}

impl Link {
    /// Connects to NATS. A server that does not answer is tried again for ever: what the bus cannot carry is found in
    /// the store.
    pub(crate) async fn connect(app: &App, url: &Secret, installation: String) -> Result<Self, BusError> {
        let listener = app.downgrade();
        let options = NatsOptions { url: url.expose().to_owned(), installation };
        let nats = Nats::connect(options, move |_subject, payload| {
            if let Some(app) = listener.upgrade() {
                app.hub.hear(&app.callers, &payload);
            }
        })
        .await?;
        Ok(Self { nats: Arc::new(nats) })
    }

    pub(crate) fn bus(&self) -> Arc<dyn Bus> {
        Arc::clone(&self.nats) as Arc<dyn Bus>
    }

    /// Whether payloads reach other nodes now.
    pub(crate) fn is_up(&self) -> bool {
        self.nats.health() == Health::Up
    }

    /// Whether payloads reach other nodes, and when that changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Health> {
        self.nats.changed()
    }

    /// Waits until others' payloads for whoever is here cannot be missed any more, up to `most`.
    pub(crate) async fn joined(&self, most: Duration) {
        let _in_time = tokio::time::timeout(most, self.nats.joined()).await;
    }

    /// What went through so far.
    pub(crate) fn traffic(&self) -> Traffic {
        self.nats.traffic()
    }

    /// Hands over what was published, and leaves.
    pub(crate) async fn close(&self) {
        self.nats.close().await;
    }
}
