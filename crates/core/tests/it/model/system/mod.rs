//! The real thing: operations on a real store, called as the server calls them.

mod look;
mod operations;
mod place;
mod retain;

use std::collections::BTreeMap;

use agentchat_core::accounts::Authenticate;
use agentchat_core::enforcement::{CommunityRules, Occasion, Review};
use agentchat_core::groups::InviteRules;
use agentchat_core::limits::Bucket;
use agentchat_core::messages::{Posted, Rate, SendLimits};
use agentchat_core::{Error, Refusal, Rejection};
use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::delivery::DeliveryKey;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{AgentId, DeliveryId};
use agentchat_store::Engine;
use agentchat_store::key::AgentKey;
use serde_json::{Value, json};

use self::place::Place;
use super::expected::{self, Answer, LIMITS, Refused};
use super::script::{Action, NAMES, Turn, Who};

/// Ours, so that it lies between all keys of the policies.
const GROUP_INVITE: i64 = 1;

pub(super) struct System {
    place: Place,
    known: BTreeMap<Who, Known>,
    /// The delivery ids that were shown, by whom and for what they are.
    pub(super) deliveries: BTreeMap<(Who, String), DeliveryId>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    key: AgentKey,
    id: AgentId,
}

/// One leaving that a job told of.
pub(super) struct Leaving {
    pub(super) group: agentchat_protocol::id::ConversationId,
    pub(super) name: String,
    /// Index of the first of its messages' ids.
    pub(super) index: u8,
    pub(super) posted: Value,
}

impl System {
    pub(super) async fn new(engine: Engine) -> Self {
        Self { place: Place::new(engine).await, known: BTreeMap::new(), deliveries: BTreeMap::new() }
    }

    pub(super) async fn close(self) {
        self.place.close().await;
    }

    /// Does one thing, as the server would for that caller.
    pub(super) async fn apply(&mut self, action: &Action, turn: &Turn) -> Answer {
        let Some(who) = action.caller() else { return self.serve(action, turn).await };
        let paused = self.authenticate(who, turn).await?;
        let fully_paused = paused == PausedByOwner::Full;
        self.perform(action, who, fully_paused, turn).await.map_err(refused)
    }

    /// The key is looked up; a restricted account is looked at again.
    async fn authenticate(&self, who: Who, turn: &Turn) -> Result<PausedByOwner, Refused> {
        let key_hash = key_hash(who);
        let caller = self.place.store.read(Authenticate { key_hash }).await.expect("a look-up");
        let caller = caller.ok_or_else(|| refused(Rejection::unauthorized().into()))?;
        let mut status = caller.status;
        if status == AgentStatus::Restricted {
            let review = Review {
                agent: caller.key,
                rules: rules(),
                occasion: Occasion { event: turn.review(), ..occasion(turn) },
            };
            status = self.place.store.write(review).await.map_err(refused)?.status;
        }
        if status == AgentStatus::Suspended {
            return Err(refused(Rejection::suspended().into()));
        }
        Ok(caller.paused)
    }

    fn key(&self, who: Who) -> AgentKey {
        self.known[&who].key
    }

    /// What the deliveries of a message say: to whom, and whether quietly.
    fn pushed(&self, deliveries: &[agentchat_core::messages::Delivery]) -> Value {
        let name = |key: AgentKey| {
            let found = self.known.iter().find(|(_, known)| known.key == key);
            NAMES[*found.expect("a recipient that registered").0].to_owned()
        };
        deliveries
            .iter()
            .map(|delivery| (name(delivery.recipient), json!(delivery.quiet)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    fn posted(&self, posted: &Posted) -> Value {
        json!({ "message": posted.message, "pushed": self.pushed(&posted.deliveries) })
    }
}

pub(super) fn keys() -> DeliveryKey {
    DeliveryKey::new([7; 32])
}

fn key_hash(who: Who) -> [u8; 32] {
    [u8::try_from(who).expect("few") + 1; 32]
}

fn handle(name: &str) -> Option<Handle> {
    Handle::parse(name).ok()
}

fn occasion(turn: &Turn) -> Occasion {
    Occasion { now: turn.at(), event: turn.other() }
}

fn rules() -> CommunityRules {
    CommunityRules {
        restrict_blocks: LIMITS.restrict_blocks as u64,
        restrict_window_ms: expected::DAY,
        suspend_blocks: LIMITS.suspend_blocks as u64,
        suspend_reports: LIMITS.suspend_reports as u64,
        suspend_window_ms: 7 * expected::DAY,
    }
}

fn send_limits() -> SendLimits {
    let rate = |rate: expected::Rate| Some(Rate { limit: rate.limit, window_s: rate.window_s });
    SendLimits {
        cold_cap: LIMITS.cold_cap as u64,
        backlog_hard: LIMITS.backlog_hard as u64,
        backlog_warn: LIMITS.backlog_warn as u64,
        expiry_max_s: (LIMITS.expiry_max_ms / 1000).unsigned_abs(),
        group_send: rate(LIMITS.group_send),
        loop_guard: rate(LIMITS.loop_guard),
    }
}

fn invite_rules(who: Who) -> InviteRules {
    let expected::Rate { limit, window_s } = LIMITS.group_invite;
    let window_us = i64::from(window_s) * 1_000_000;
    InviteRules {
        members: LIMITS.group_members as u64,
        quota: Some(Bucket {
            policy: GROUP_INVITE,
            key: key_hash(who),
            interval_us: window_us / i64::from(limit),
            window_us,
            refusal: Refusal {
                policy: "group_invite",
                limit: limit.into(),
                window_s: window_s.into(),
                retry_after_ms: 0,
            },
        }),
    }
}

/// What the wire shows of a refusal. That a store fails, nobody expects.
fn refused(error: Error) -> Refused {
    let rejection = match error {
        Error::Rejected(rejection) => rejection,
        Error::Store(error) => return Refused { code: "the store failed", details: json!(error.to_string()) },
    };
    let mut details = rejection.details.unwrap_or(Value::Null);
    if let Some(wait) = rejection.retry_after_ms {
        details["retry_after_ms"] = json!(wait);
    }
    Refused { code: rejection.code.as_str(), details }
}
