//! Everything an agent can ask, in one transaction.

use agentchat_core::Error;
use agentchat_core::agents::ShowMe;
use agentchat_core::contacts::{ListBlocked, ListContacts};
use agentchat_core::conversations::{ListConversations, ListParticipants, ShowContext};
use agentchat_core::groups::{ListInvites, ShowGroup};
use agentchat_core::messages::{CountUndelivered, HistoryAnchor, Pending, PendingPage, ShowHistory};
use agentchat_core::mutes::{ListMutes, NamedTarget, ShowMute};
use agentchat_protocol::agent::Agent;
use agentchat_protocol::id::{AgentId, ConversationId};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, StoreError, Tx};
use serde::Serialize;
use serde_json::{Value, json};

use super::{System, keys};
use crate::model::script::{Turn, Who};

impl System {
    /// What an agent sees: of itself, and of each of these conversations.
    pub(crate) async fn look(&self, who: Who, conversations: Vec<ConversationId>, turn: &Turn) -> (Value, Vec<Value>) {
        let known = self.known[&who];
        let look = Look { agent: known.key, id: known.id, conversations, now: turn.at() };
        self.place.store.read(look).await.expect("a look")
    }
}

struct Look {
    agent: AgentKey,
    id: AgentId,
    conversations: Vec<ConversationId>,
    now: Timestamp,
}

impl Read for Look {
    type Out = (Value, Vec<Value>);
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, StoreError> {
        let of_itself = self.of_itself(tx).await.map_err(failed)?;
        let mut of_conversations = Vec::new();
        for id in &self.conversations {
            of_conversations.push(self.of_conversation(tx, *id).await?);
        }
        Ok((of_itself, of_conversations))
    }
}

impl Look {
    async fn of_itself(&self, tx: &mut Tx<'_>) -> Result<Value, Error> {
        let Self { agent, id, now, .. } = *self;
        Ok(json!({
            "me": own_record(&ShowMe { agent }.run(tx).await?),
            "conversations": ListConversations { agent, limit: 200, offset: 0, now }.run(tx).await?,
            "sync": pending(&PendingPage { agent, after: 0, limit: 500, now, keys: keys() }.run(tx).await?),
            "undelivered": CountUndelivered { agent, now }.run(tx).await?,
            "invites": ListInvites { caller: agent }.run(tx).await?,
            "contacts": ListContacts { owner: agent, limit: 100, offset: 0 }.run(tx).await?.contacts,
            "blocked": ListBlocked { blocker: agent, limit: 100, offset: 0 }.run(tx).await?.blocked,
            "mutes": ListMutes { muter: agent, id, kind: None, now }.run(tx).await?.mutes,
        }))
    }

    async fn of_conversation(&self, tx: &mut Tx<'_>, conversation: ConversationId) -> Result<Value, StoreError> {
        let Self { agent: viewer, id, now, .. } = *self;
        let (anchor, limit) = (HistoryAnchor::Newest, 200);
        let history = ShowHistory { viewer, conversation, anchor, limit, keys: keys(), now }.run(tx).await;
        let participants = ListParticipants { viewer, conversation }.run(tx).await;
        let context = ShowContext { viewer, conversation }.run(tx).await;
        let group = ShowGroup { caller: viewer, group: conversation }.run(tx).await;
        let target = NamedTarget::Conversation(conversation);
        let mute = ShowMute { muter: viewer, id, target, now }.run(tx).await;
        Ok(json!({
            "history": or_code(history)?,
            "participants": or_code(participants)?,
            "context": or_code(context)?,
            "group": or_code(group)?,
            "mute": or_code(mute)?,
        }))
    }
}

/// The rows of a page. How often they were offered, a node remembers; how old they are is checked here.
pub(super) fn pending(page: &Pending) -> Value {
    let rows = page.rows.iter().map(|row| {
        let mut message = row.message.clone();
        assert!(message.age_ms.take().is_some_and(|age| age >= 0), "a sync row says how old it is");
        message.redelivered = None;
        json!(message)
    });
    assert!(page.rows.windows(2).all(|pair| pair[0].position < pair[1].position), "positions ascend");
    rows.collect()
}

pub(super) fn own_record(agent: &Agent) -> Value {
    json!({
        "id": agent.id,
        "handle": agent.handle,
        "display_name": agent.display_name,
        "description": agent.description,
        "status": agent.status,
        "paused_by_owner": agent.paused_by_owner,
        "settings": agent.settings,
        "is_system": agent.is_system,
    })
}

fn or_code<T: Serialize>(answer: Result<T, Error>) -> Result<Value, StoreError> {
    match answer {
        Ok(found) => Ok(json!(found)),
        Err(Error::Rejected(rejection)) => Ok(json!({ "code": rejection.code.as_str() })),
        Err(Error::Store(error)) => Err(error),
    }
}

fn failed(error: Error) -> StoreError {
    match error {
        Error::Store(error) => error,
        Error::Rejected(rejection) => StoreError::Internal(format!("a look was refused: {}", rejection.code.as_str())),
    }
}
