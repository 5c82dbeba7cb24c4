//! What the community's verdicts mean for those who are connected, and when restricted agents are looked at again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use agentchat_core::accounts::Caller;
use agentchat_core::enforcement::{CommunityRules, Occasion, Review, Reviewed, StatusChange};
use agentchat_core::{Error, Rejection};
use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::error::ErrorCode;
use agentchat_store::key::AgentKey;

use crate::app::App;
use crate::limits::Limits;
use crate::realtime::Control;

/// From so many agents on, those whose review is long past are forgotten.
const SWEEP: usize = 1_024;

/// When restricted agents were last looked at on this node.
#[derive(Debug, Default)]
pub(crate) struct Reviews(Mutex<HashMap<AgentKey, i64>>);

impl Reviews {
    /// Whether the agent's last review is at least `every_nanos` ago. Then this is its last.
    fn is_due(&self, agent: AgentKey, now_nanos: i64, every_nanos: i64) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(&agent).is_some_and(|at| now_nanos - at < every_nanos) {
            return false;
        }
        if last.len() >= SWEEP {
            last.retain(|_, at| now_nanos - *at < every_nanos);
        }
        last.insert(agent, now_nanos);
        true
    }
}

impl Limits {
    /// From how many blocks and reports on an agent is restricted or suspended.
    pub(crate) fn community(&self) -> CommunityRules {
        let millis = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
        CommunityRules {
            restrict_blocks: self.restrict_blocks,
            restrict_window_ms: millis(self.restrict_window_s),
            suspend_blocks: self.suspend_blocks,
            suspend_reports: self.suspend_reports,
            suspend_window_ms: millis(self.suspend_window_s),
        }
    }
}

/// Now, with an id for an event.
pub(crate) fn occasion(app: &App) -> Occasion {
    let now = app.clock.now();
    Occasion { now, event: app.entropy.uuid_v7(now) }
}

/// After the commit: every node learns the status, and who is suspended leaves.
pub(crate) fn publish(app: &App, change: &StatusChange) {
    app.agent_changed(change.agent, (change.to == AgentStatus::Suspended).then_some(Control::Suspended));
}

/// Looks at a restricted agent again, if that is due. True when its status is another than the caller's record says.
/// A review that cannot be made leaves the agent what it is.
pub(crate) async fn review(app: &App, caller: &Caller) -> bool {
    caller.status == AgentStatus::Restricted && review_restricted(app, caller.key).await
}

/// The same for an agent that was just refused something because it is restricted.
pub(crate) async fn review_restricted(app: &App, agent: AgentKey) -> bool {
    let every_nanos = i64::try_from(app.limits.review_s).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
    app.reviews.is_due(agent, app.clock.monotonic_nanos(), every_nanos) && look_again(app, agent).await
}

async fn look_again(app: &App, agent: AgentKey) -> bool {
    let operation = Review { agent, rules: app.limits.community(), occasion: occasion(app) };
    let shared = app.clone();
    let tell = move |reviewed: &Result<Reviewed, Error>| match reviewed {
        Ok(Reviewed { change: Some(change), .. }) => publish(&shared, change),
        Ok(Reviewed { status: AgentStatus::Restricted, .. }) => {}
        // Somebody else changed it, and this node has not heard of it.
        Ok(_) | Err(Error::Rejected(Rejection { code: ErrorCode::Unauthorized, .. })) => {
            shared.agent_changed(agent, None);
        }
        Err(_) => {}
    };
    match app.store.write_then(operation, tell).await {
        Ok(reviewed) => reviewed.status != AgentStatus::Restricted,
        Err(Error::Rejected(_)) => true,
        Err(Error::Store(error)) => {
            tracing::warn!(%error, "a restricted agent could not be looked at again");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000_000;

    #[test]
    fn an_agent_is_looked_at_once_a_minute() {
        let reviews = Reviews::default();
        assert!(reviews.is_due(AgentKey(1), 5, MINUTE));
        assert!(reviews.is_due(AgentKey(2), 6, MINUTE));
        assert!(!reviews.is_due(AgentKey(1), 5 + MINUTE - 1, MINUTE));
        assert!(reviews.is_due(AgentKey(1), 5 + MINUTE, MINUTE));
        assert!(!reviews.is_due(AgentKey(1), 6 + MINUTE, MINUTE));
    }

    #[test]
    fn reviews_long_past_are_forgotten() {
        let reviews = Reviews::default();
        for agent in 0..SWEEP as i64 {
            assert!(reviews.is_due(AgentKey(agent), 0, MINUTE));
        }
        assert!(reviews.is_due(AgentKey(-1), MINUTE, MINUTE));
        assert_eq!(reviews.0.lock().unwrap().len(), 1);
    }
}
