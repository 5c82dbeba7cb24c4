//! Who composes: forwarded to those who may hear it, kept nowhere.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use agentchat_core::presence::{TypingAudience, WINDOW_MS};
use agentchat_protocol::frame::{ServerFrame, Typing};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::ConversationId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;

use super::Event;
use super::replies::text;
use crate::app::App;

/// Starts that are remembered before the old ones are looked for.
const MANY: usize = 1_024;

/// When each agent last began to compose, where: a start is forwarded every 2 s at most.
#[derive(Debug, Default)]
pub(super) struct Starts(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    at: HashMap<(AgentKey, ConversationId), Timestamp>,
    /// With so many, those that say nothing any more are forgotten.
    many: usize,
}

impl Starts {
    /// Whether a start may be forwarded now; it counts from then on.
    fn permit(&self, agent: AgentKey, conversation: ConversationId, now: Timestamp) -> bool {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &Timestamp| (0..WINDOW_MS).contains(&now.millis_since(*at));
        if remembered.at.get(&(agent, conversation)).is_some_and(recent) {
            return false;
        }
        if remembered.at.len() >= remembered.many.max(MANY) {
            remembered.at.retain(|_, at| recent(at));
            remembered.many = 2 * remembered.at.len();
        }
        remembered.at.insert((agent, conversation), now);
        true
    }
}

/// A frame for several agents.
pub(super) struct Forward {
    to: Vec<AgentKey>,
    event: Event,
}

impl Forward {
    pub(super) fn send(self, app: &App) {
        app.hub.events(&self.to, &self.event);
    }
}

/// A `typing.start` or `typing.stop` of an agent.
pub(super) struct Composing {
    pub(super) agent: AgentKey,
    pub(super) handle: Handle,
    pub(super) conversation: ConversationId,
    pub(super) starts: bool,
}

impl Composing {
    /// Whom it is forwarded to, if anybody.
    pub(super) async fn forward(self, app: App) -> Option<Forward> {
        let now = app.clock.now();
        if self.starts && !app.hub.starts().permit(self.agent, self.conversation, now) {
            return None;
        }
        let audience = TypingAudience { agent: self.agent, conversation: self.conversation, now };
        match app.store.read(audience).await {
            Ok(to) if to.is_empty() => None,
            Ok(to) => Some(Forward { to, event: self.event()? }),
            Err(error) => {
                tracing::debug!(%error, "typing was not forwarded");
                None
            }
        }
    }

    fn event(self) -> Option<Event> {
        let typing = Typing { conversation_id: self.conversation, sender: self.handle };
        let frame = if self.starts { ServerFrame::TypingStart(typing) } else { ServerFrame::TypingStop(typing) };
        Some(Event { text: text(&frame)?.into(), droppable: true })
    }
}

#[cfg(test)]
mod tests {
    use agentchat_protocol::id::ConversationKind;

    use super::*;

    const ALICE: AgentKey = AgentKey(1);

    fn conversation(number: u16) -> ConversationId {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        ConversationId::from_bytes(ConversationKind::Direct, bytes)
    }

    #[test]
    fn a_start_is_permitted_every_two_seconds_for_each_conversation_and_agent() {
        let starts = Starts::default();
        let at = Timestamp::from_millis;
        assert!(starts.permit(ALICE, conversation(1), at(10_000)));
        assert!(!starts.permit(ALICE, conversation(1), at(11_999)));
        assert!(starts.permit(ALICE, conversation(2), at(11_999)));
        assert!(starts.permit(AgentKey(2), conversation(1), at(11_999)));
        assert!(starts.permit(ALICE, conversation(1), at(12_000)));
        assert!(!starts.permit(ALICE, conversation(1), at(13_999)));
    }

    #[test]
    fn what_says_nothing_any_more_is_forgotten() {
        let starts = Starts::default();
        for number in 0..10_000 {
            assert!(starts.permit(ALICE, conversation(number), Timestamp::from_millis(i64::from(number) * 100)));
        }
        assert!(starts.0.lock().unwrap().at.len() <= MANY);
    }
}
