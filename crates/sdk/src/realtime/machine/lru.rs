//! A map that forgets what was not used for longest.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

pub(super) struct Lru<K, V> {
    capacity: usize,
    used: u64,
    values: HashMap<K, (u64, V)>,
    order: BTreeMap<u64, K>,
}

impl<K: Hash + Eq + Clone, V> Lru<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, used: 0, values: HashMap::new(), order: BTreeMap::new() }
    }

    /// The value; it now counts as used.
    pub(super) fn get(&mut self, key: &K) -> Option<&V> {
        let (tick, value) = self.values.get_mut(key)?;
        self.used += 1;
        self.order.remove(tick);
        self.order.insert(self.used, key.clone());
        *tick = self.used;
        Some(value)
    }

    /// Inserts a value and gives back what has to go for it.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<(K, V)> {
        if self.capacity == 0 {
            return None;
        }
        self.remove(&key);
        self.used += 1;
        self.order.insert(self.used, key.clone());
        self.values.insert(key, (self.used, value));
        if self.values.len() <= self.capacity {
            return None;
        }
        let (_, oldest) = self.order.pop_first()?;
        let (_, value) = self.values.remove(&oldest)?;
        Some((oldest, value))
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let (tick, value) = self.values.remove(key)?;
        self.order.remove(&tick);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_stays() {
        let mut lru = Lru::new(2);
        lru.insert("a", 1);
        lru.insert("b", 2);
        assert_eq!(lru.get(&"a"), Some(&1));
        assert_eq!(lru.insert("c", 3), Some(("b", 2)));
        assert_eq!((lru.values.len(), lru.remove(&"a"), lru.get(&"b")), (2, Some(1), None));
    }

    #[test]
    fn without_capacity_nothing_stays() {
        let mut lru = Lru::new(0);
        lru.insert("a", 1);
        assert_eq!(lru.get(&"a"), None);
    }
}
