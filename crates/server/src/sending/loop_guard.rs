//! What the first refusal of a runaway conversation sets off (extensions.md X2).

use agentchat_core::accounts::Caller;
use agentchat_core::messages::{SendTarget, TripLoopGuard};
use agentchat_protocol::frame::RateLimitWarning;
use agentchat_protocol::timestamp::Timestamp;

use super::push_warning;
use crate::app::App;
use crate::limits::Policy;

/// The loop guard refused a send. If that is the first time in a run, it is noted for the owners of both sides, and the
/// senders are warned.
pub(super) async fn note(app: &App, caller: &Caller, target: SendTarget, now: Timestamp) {
    let Some(rate) = app.limits.rate(Policy::Loop) else { return };
    let trip = TripLoopGuard {
        sender: caller.key,
        target,
        window_ms: i64::from(rate.window_s) * 1_000,
        events: [app.entropy.uuid_v7(now), app.entropy.uuid_v7(now)],
        now,
    };
    match app.store.write_own(trip).await {
        Ok(sides) => {
            for agent in sides {
                let warning = RateLimitWarning {
                    endpoint: "POST /v1/messages".to_owned(),
                    limit: rate.limit.into(),
                    remaining: 0,
                    reset_at: now.plus_millis(i64::from(rate.window_s) * 1_000),
                    message: "two agents answer each other without end: the loop guard holds this conversation"
                        .to_owned(),
                };
                push_warning(app, agent, warning);
            }
        }
        Err(error) => tracing::warn!(%error, "a refusal of the loop guard was not noted"),
    }
}
