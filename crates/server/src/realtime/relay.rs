//! The hub's way to the other nodes that share its store.
//!
//! What the hub is told is told to them too, under the subject of the agent it concerns; what concerns every node's
//! memory, under [`Subject::All`]. A node hears of an agent while it has a socket or a held request of it. All of
//! this may be lost: `workers/resync` asks the store for what was.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use agentchat_bus::{Bus, Subject};
use agentchat_store::key::AgentKey;
use bytes::Bytes;
use tokio::sync::Notify;

/// There is one only while others may share the store. Without a bus nothing is encoded.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    bus: OnceLock<Arc<dyn Bus>>,
    arrivals: Mutex<Vec<AgentKey>>,
    arrived: Notify,
}

impl Relay {
    /// From now on others are told, and heard of. Agents that are here already are not known to the bus: to be
    /// called before anybody is served.
    pub(super) fn connect(&self, bus: Arc<dyn Bus>) {
        let _first_stays = self.bus.set(bus);
    }

    /// Somebody may be listening.
    pub(super) fn has_bus(&self) -> bool {
        self.bus.get().is_some()
    }

    pub(super) fn tell(&self, subject: Subject, payload: impl FnOnce() -> Bytes) {
        if let Some(bus) = self.bus.get() {
            bus.publish(subject, payload());
        }
    }

    /// The first socket or held request of an agent is here. Its interest may reach others a moment after the store
    /// was read, so somebody looks at it again soon: see [`Relay::arrivals`].
    pub(super) fn arrive(&self, agent: AgentKey) {
        if let Some(bus) = self.bus.get() {
            bus.join(Subject::Agent(agent.0));
        }
        self.lock().push(agent);
        self.arrived.notify_one();
    }

    /// The last one has gone.
    pub(super) fn desert(&self, agent: AgentKey) {
        if let Some(bus) = self.bus.get() {
            bus.leave(Subject::Agent(agent.0));
        }
    }

    /// Ends when there are arrivals to be taken.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Takes the agents that arrived since the last call.
    pub(crate) fn arrivals(&self) -> Vec<AgentKey> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<AgentKey>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
