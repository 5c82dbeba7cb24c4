//! What is running under a key, where one node alone handles requests.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agentchat_core::Rejection;
use agentchat_core::idempotency::{IdempotencyScope, Keyed, RUNNING_MS, key_conflict, still_running};
use agentchat_protocol::timestamp::Timestamp;

type Key = (IdempotencyScope, String);

/// Marks of running requests, by caller and key.
#[derive(Debug, Default, Clone)]
pub(crate) struct Running(Arc<Mutex<HashMap<Key, Request>>>);

#[derive(Debug, Clone, Copy)]
struct Request {
    fingerprint: [u8; 32],
    run: [u8; 16],
    until: Timestamp,
}

/// One mark; it goes when this does.
#[derive(Debug)]
pub(super) struct Mark {
    all: Running,
    key: Key,
    run: [u8; 16],
}

impl Running {
    /// Marks a request that nobody runs.
    pub(super) fn begin(&self, keyed: &Keyed, now: Timestamp) -> Result<Mark, Rejection> {
        let key = (keyed.scope, keyed.key.clone());
        let until = now.plus_millis(RUNNING_MS);
        let request = Request { fingerprint: keyed.fingerprint, run: keyed.run, until };
        match self.lock().entry(key.clone()) {
            Entry::Occupied(mut other) if other.get().until <= now => drop(other.insert(request)),
            Entry::Occupied(other) if other.get().fingerprint != keyed.fingerprint => return Err(key_conflict()),
            Entry::Occupied(_) => return Err(still_running()),
            Entry::Vacant(free) => drop(free.insert(request)),
        }
        Ok(Mark { all: self.clone(), key, run: keyed.run })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Request>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        // One that took too long is another's by now.
        if all.get(&self.key).is_some_and(|request| request.run == self.run) {
            all.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use agentchat_core::idempotency::CallerKind;
    use agentchat_protocol::error::ErrorCode;

    use super::*;

    fn keyed(caller: i64, fingerprint: u8, run: u8) -> Keyed {
        let scope = IdempotencyScope { kind: CallerKind::Agent, caller };
        Keyed { scope, key: "key-00000001".to_owned(), fingerprint: [fingerprint; 32], run: [run; 16] }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_request_is_marked_until_its_mark_is_dropped() {
        let running = Running::default();
        let mark = running.begin(&keyed(1, 1, 1), at(0)).unwrap();
        assert_eq!(running.begin(&keyed(1, 1, 2), at(1)).unwrap_err().code, ErrorCode::IdempotentInProgress);
        assert_eq!(running.begin(&keyed(1, 2, 2), at(1)).unwrap_err().code, ErrorCode::IdempotencyKeyConflict);
        running.begin(&keyed(2, 2, 3), at(1)).unwrap();
        drop(mark);
        running.begin(&keyed(1, 2, 2), at(1)).unwrap();
        assert!(running.lock().is_empty());
    }

    #[test]
    fn a_mark_is_believed_for_a_minute() {
        let running = Running::default();
        let late = running.begin(&keyed(1, 1, 1), at(0)).unwrap();
        running.begin(&keyed(1, 1, 2), at(59)).unwrap_err();
        let second = running.begin(&keyed(1, 1, 2), at(60)).unwrap();
        drop(late);
        running.begin(&keyed(1, 1, 3), at(61)).unwrap_err();
        drop(second);
        assert!(running.lock().is_empty());
    }
}
