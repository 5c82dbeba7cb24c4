//! Who was told lately that its `send` budget runs low.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;

/// At most one warning an agent in this time.
const EVERY_MS: i64 = 10_000;
/// Agents remembered before the old ones are forgotten.
const SWEEP_AT: usize = 4_096;

/// The times of the last warnings.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<HashMap<AgentKey, i64>>);

impl Warnings {
    /// True at most once in ten seconds for an agent.
    pub(crate) fn is_due(&self, agent: AgentKey, now: Timestamp) -> bool {
        let now = now.as_millis();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(&agent).is_some_and(|last| now - last < EVERY_MS) {
            return false;
        }
        if last.len() >= SWEEP_AT {
            last.retain(|_, last| now - *last < EVERY_MS);
        }
        last.insert(agent, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_warning_in_ten_seconds_for_each_agent() {
        let warnings = Warnings::default();
        let at = |seconds| Timestamp::from_millis(1_768_469_400_000 + seconds * 1_000);
        assert!(warnings.is_due(AgentKey(1), at(0)));
        assert!(!warnings.is_due(AgentKey(1), at(9)));
        assert!(warnings.is_due(AgentKey(2), at(9)));
        assert!(warnings.is_due(AgentKey(1), at(10)));
        for agent in 3..20_000 {
            assert!(warnings.is_due(AgentKey(agent), at(100 + agent)));
        }
        assert!(warnings.0.lock().unwrap().len() <= SWEEP_AT);
    }
}
