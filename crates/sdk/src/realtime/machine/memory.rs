//! Which messages were handled and which failed (R15).

use std::collections::HashMap;
use std::sync::Arc;

use super::input::Meta;
use super::lru::Lru;

/// What makes two copies the same message (R14).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Key {
    Id(Arc<str>),
    Place(Arc<str>, u64),
}

impl Key {
    pub(super) fn of(meta: &Meta) -> Option<Self> {
        match (&meta.id, &meta.conversation, meta.seq) {
            (Some(id), ..) => Some(Self::Id(id.clone())),
            (None, Some(conversation), Some(seq)) => Some(Self::Place(conversation.clone(), seq)),
            _ => None,
        }
    }
}

/// A message whose handler failed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Failed {
    pub(super) attempts: u32,
    /// A copy came over the socket and is still owed an acknowledgement there.
    pub(super) owes_ack: bool,
}

type Place = (Arc<str>, u64);

pub(super) struct Memory {
    keeps_done: bool,
    /// Handled ids and where they stood.
    done: Lru<Arc<str>, Option<Place>>,
    /// The same the other way round.
    ids: HashMap<Place, Arc<str>>,
    failed: Lru<Key, Failed>,
}

impl Memory {
    pub(super) fn new(dedup_capacity: usize, failed_capacity: usize) -> Self {
        Self {
            keeps_done: dedup_capacity > 0,
            done: Lru::new(dedup_capacity),
            ids: HashMap::new(),
            failed: Lru::new(failed_capacity),
        }
    }

    /// Whether handled messages are remembered at all.
    pub(super) fn keeps_done(&self) -> bool {
        self.keeps_done
    }

    pub(super) fn was_handled(&mut self, id: &Arc<str>) -> bool {
        self.done.get(id).is_some()
    }

    /// The id that was handled at a place.
    pub(super) fn id_at(&self, conversation: &Arc<str>, seq: u64) -> Option<&Arc<str>> {
        self.ids.get(&(conversation.clone(), seq))
    }

    pub(super) fn record_done(&mut self, meta: &Meta) {
        let Some(id) = meta.id.clone().filter(|_| self.keeps_done) else { return };
        let place = meta.conversation.clone().zip(meta.seq);
        if let Some(place) = &place {
            self.ids.insert(place.clone(), id.clone());
        }
        if let Some((_, Some(place))) = self.done.insert(id, place) {
            self.ids.remove(&place);
        }
    }

    pub(super) fn has_failed(&mut self, key: &Key) -> bool {
        self.failed.get(key).is_some()
    }

    pub(super) fn take_failed(&mut self, key: &Key) -> Option<Failed> {
        self.failed.remove(key)
    }

    pub(super) fn record_failed(&mut self, key: Key, failed: Failed) {
        self.failed.insert(key, failed);
    }
}
