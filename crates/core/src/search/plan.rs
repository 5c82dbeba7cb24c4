//! Where a caller may look, and how far at once.

use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::ConversationId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, MessageKey};
use agentchat_store::search::Place;
use agentchat_store::tables::SearchedGroup;
use agentchat_store::{Read, Tx};

use crate::Error;
use crate::conversations::access;

/// Messages of the caller among which is looked at once, about.
const STRETCH: i128 = 1_000_000;
/// By how much the order of keys may differ from that of times.
const SLACK_MS: i64 = 3_600_000;

/// Asks where `viewer` may look.
#[derive(Debug, Clone)]
pub struct PlanSearch {
    pub viewer: AgentKey,
    pub conversation: Option<ConversationId>,
    pub from: Option<Handle>,
    pub after: Option<Timestamp>,
    pub before: Option<Timestamp>,
}

/// Where is looked.
#[derive(Debug, Clone)]
pub struct SearchPlan {
    whole: Place,
    groups: Vec<SearchedGroup>,
    pub sender: Option<AgentKey>,
    /// Above this message,
    pub above: MessageKey,
    /// and below this one.
    pub below: MessageKey,
    /// Keys among which is looked at once.
    pub step: i64,
}

impl SearchPlan {
    /// Places in which there may be something below a message.
    pub fn places(&self, below: MessageKey) -> Vec<Place> {
        let groups = self.groups.iter().filter(|group| group.first < below).map(|group| Place::Conversation(group.key));
        std::iter::once(self.whole).chain(groups).collect()
    }
}

impl Read for PlanSearch {
    /// None: there is nothing to be found.
    type Out = Option<SearchPlan>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<SearchPlan>, Error> {
        let (whole, groups, first) = match self.conversation {
            None => (Place::DirectOf(self.viewer), tx.searched_groups(self.viewer).await?, MessageKey(1)),
            Some(id) => {
                let seat = access(tx, self.viewer, id).await?;
                let first = tx.first_message(seat.key, seat.joined_seq.max(1)).await?;
                let Some(first) = first else { return Ok(None) };
                (Place::Conversation(seat.key), Vec::new(), first)
            }
        };
        let sender = match &self.from {
            None => None,
            Some(handle) => match tx.agent_by_handle(handle).await? {
                Some(agent) => Some(agent.key),
                None => return Ok(None),
            },
        };
        let extent = tx.searched_extent(self.viewer).await?;
        let above = match self.after {
            Some(after) => first_since(tx, after.as_millis() - SLACK_MS, extent.newest).await?.max(first),
            None => first,
        };
        let below = match self.before {
            Some(before) => first_since(tx, before.as_millis() + SLACK_MS, extent.newest).await?,
            None => MessageKey(extent.newest.0 + 1),
        };
        let step = i128::from(extent.newest.0) * STRETCH / i128::from(extent.messages.max(1));
        let step = i64::try_from(step.max(1)).unwrap_or(i64::MAX);
        Ok(Some(SearchPlan { whole, groups, sender, above: MessageKey(above.0 - 1), below, step }))
    }
}

/// The first message that was sent at that time or later, by halving; behind the newest if there is none.
async fn first_since(tx: &mut Tx<'_>, at: i64, newest: MessageKey) -> Result<MessageKey, Error> {
    let (mut low, mut high) = (1, newest.0 + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match tx.message_at_or_above(MessageKey(middle)).await? {
            Some((key, sent)) if sent < at => low = key.0 + 1,
            _ => high = middle,
        }
    }
    Ok(MessageKey(low))
}
