//! Authenticated agents by the hash of their key, so that a request asks the store nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agentchat_core::accounts::Caller;
use agentchat_store::key::AgentKey;
use moka::sync::Cache;

/// Agents remembered at most; the least used are read again.
const CAPACITY: u64 = 100_000;

/// SHA-256 of a whole API key.
pub(crate) type KeyHash = [u8; 32];

/// The cache of callers. Exact on one node: whoever changes an agent's key or status calls
/// [`Callers::forget`] when that is committed. Other nodes are told, but what they are told may be lost, so where
/// there may be others a record is kept for a few seconds only.
#[derive(Debug)]
pub(crate) struct Callers {
    by_hash: Cache<KeyHash, Arc<Caller>>,
    hashes: Cache<i64, KeyHash>,
    changes: AtomicU64,
}

/// Taken before the store is read; a record read before a change is not remembered after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsOf(u64);

impl Callers {
    /// An empty cache; its records are read again after `kept`, if there is such a bound.
    pub(crate) fn new(kept: Option<Duration>) -> Self {
        let builder = Cache::builder().max_capacity(CAPACITY);
        let by_hash = kept.into_iter().fold(builder, |builder, kept| builder.time_to_live(kept)).build();
        Self { by_hash, hashes: Cache::new(CAPACITY), changes: AtomicU64::new(0) }
    }

    /// The agent of a key, if remembered.
    pub(crate) fn get(&self, hash: &KeyHash) -> Option<Arc<Caller>> {
        self.by_hash.get(hash)
    }

    /// The state of the cache before a read of the store.
    pub(crate) fn as_of(&self) -> AsOf {
        AsOf(self.changes.load(Ordering::SeqCst))
    }

    /// Remembers what was read from the store after `as_of`, unless an agent changed since.
    pub(crate) fn remember(&self, as_of: AsOf, hash: KeyHash, caller: Arc<Caller>) {
        let agent = caller.key.0;
        self.hashes.insert(agent, hash);
        self.by_hash.insert(hash, caller);
        // Checked after the insert: a change in between either sees the entry and removes it, or is seen here.
        if self.changes.load(Ordering::SeqCst) != as_of.0 {
            self.by_hash.invalidate(&hash);
        }
    }

    /// Forgets an agent whose key, status or profile changed.
    pub(crate) fn forget(&self, agent: AgentKey) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        if let Some(hash) = self.hashes.remove(&agent.0) {
            self.by_hash.invalidate(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
    use agentchat_protocol::handle::Handle;
    use agentchat_protocol::id::AgentId;

    use super::*;

    const HASH: KeyHash = [7; 32];

    fn alice() -> Arc<Caller> {
        Arc::new(Caller {
            key: AgentKey(1),
            id: AgentId::from_bytes([1; 16]),
            handle: Handle::parse("alice").unwrap(),
            status: AgentStatus::Active,
            paused: PausedByOwner::None,
            is_system: false,
            epoch: 0,
            display_name: None,
        })
    }

    #[test]
    fn a_remembered_caller_is_found_until_forgotten() {
        let callers = Callers::new(None);
        callers.remember(callers.as_of(), HASH, alice());
        assert_eq!(callers.get(&HASH), Some(alice()));
        callers.forget(AgentKey(2));
        assert_eq!(callers.get(&HASH), Some(alice()));
        callers.forget(AgentKey(1));
        assert_eq!(callers.get(&HASH), None);
    }

    #[test]
    fn a_record_is_kept_no_longer_than_said() {
        let callers = Callers::new(Some(Duration::from_millis(20)));
        callers.remember(callers.as_of(), HASH, alice());
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while callers.get(&HASH).is_some() {
            assert!(std::time::Instant::now() < deadline, "it is still there");
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let callers = Callers::new(None);
        let as_of = callers.as_of();
        callers.forget(AgentKey(1));
        callers.remember(as_of, HASH, alice());
        assert_eq!(callers.get(&HASH), None);
    }
}
