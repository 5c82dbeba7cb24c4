//! From how many blocks and reports on an agent is restricted or suspended.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::tables::{Against, CountedSince};

const HOUR_MS: i64 = 3_600_000;

/// Thresholds and windows; the defaults are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommunityRules {
    /// So many blocks within `restrict_window_ms` restrict.
    pub restrict_blocks: u64,
    pub restrict_window_ms: i64,
    /// So many blocks, or so many reports, within `suspend_window_ms` suspend.
    pub suspend_blocks: u64,
    pub suspend_reports: u64,
    pub suspend_window_ms: i64,
}

impl Default for CommunityRules {
    fn default() -> Self {
        Self {
            restrict_blocks: 15,
            restrict_window_ms: 24 * HOUR_MS,
            suspend_blocks: 50,
            suspend_reports: 10,
            suspend_window_ms: 7 * 24 * HOUR_MS,
        }
    }
}

impl CommunityRules {
    /// Since when blocks and reports count.
    pub(super) fn since(&self, now: Timestamp) -> CountedSince {
        CountedSince {
            restrict: now.as_millis().saturating_sub(self.restrict_window_ms),
            suspend: now.as_millis().saturating_sub(self.suspend_window_ms),
        }
    }

    /// The status of an agent that this counts against.
    pub(super) fn verdict(&self, against: &Against) -> AgentStatus {
        let reached = |count: i64, threshold: u64| count.unsigned_abs() >= threshold;
        if reached(against.reports, self.suspend_reports) || reached(against.blocks, self.suspend_blocks) {
            AgentStatus::Suspended
        } else if reached(against.blocks_lately, self.restrict_blocks) {
            AgentStatus::Restricted
        } else {
            AgentStatus::Active
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(blocks_lately: i64, blocks: i64, reports: i64) -> &'static str {
        match CommunityRules::default().verdict(&Against { blocks_lately, blocks, reports }) {
            AgentStatus::Active => "active",
            AgentStatus::Restricted => "restricted",
            AgentStatus::Suspended => "suspended",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn thresholds_are_reached_at_their_number() {
        assert_eq!(verdict(14, 49, 9), "active");
        assert_eq!(verdict(15, 15, 9), "restricted");
        assert_eq!(verdict(15, 49, 9), "restricted");
        assert_eq!(verdict(0, 50, 0), "suspended");
        assert_eq!(verdict(0, 0, 10), "suspended");
    }
}
