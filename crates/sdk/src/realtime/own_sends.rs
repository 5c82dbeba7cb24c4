//! Tells realtime clients which positions this process took itself (R19).

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock, Weak};

use tokio::sync::mpsc::UnboundedSender;

use super::driver::Command;
use crate::http::url;
use crate::secret::ApiKey;
use crate::types::ConversationId;

/// The sends of one key on one host, by whatever client of this process.
#[derive(Default)]
pub(crate) struct OwnSends {
    listeners: RwLock<Vec<UnboundedSender<Command>>>,
}

/// Keys are kept as hashes, never as text.
static REGISTRY: LazyLock<Mutex<HashMap<u64, Weak<OwnSends>>>> = LazyLock::new(Mutex::default);
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl OwnSends {
    pub(crate) fn of(base_url: &str, key: &ApiKey) -> Arc<Self> {
        let host = url::base(base_url).map(|base| base.authority.to_ascii_lowercase()).unwrap_or_default();
        let name = HASHER.hash_one((host, key.expose()));
        let mut registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(present) = registry.get(&name).and_then(Weak::upgrade) {
            return present;
        }
        registry.retain(|_, sends| sends.strong_count() > 0);
        let made = Arc::new(Self::default());
        registry.insert(name, Arc::downgrade(&made));
        made
    }

    pub(super) fn listen(&self, listener: UnboundedSender<Command>) {
        let mut listeners = self.listeners.write().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| !listener.is_closed());
        listeners.push(listener);
    }

    pub(crate) fn report(&self, conversation: &ConversationId, seq: u64) {
        for listener in &*self.listeners.read().unwrap_or_else(PoisonError::into_inner) {
            // A client that has ended no longer listens.
            listener.send(Command::OwnSend { conversation: conversation.as_str().into(), seq }).ok();
        }
    }
}
