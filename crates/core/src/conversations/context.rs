//! The two context endpoints: what an agent should know before it speaks, without message bodies.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::conversation::{
    ConversationContext, DirectContext, DirectState, DirectStateInfo, GroupContext, GroupRole, Relationship, Unread,
};
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::ConversationId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{GroupSeat, Membership, Pair, Party};
use agentchat_store::{Read, Tx};

use super::access::{access, participant};
use crate::{Error, Rejection};

/// `GET /v1/conversations/{id}/context`.
#[derive(Debug, Clone, Copy)]
pub struct ShowContext {
    pub viewer: AgentKey,
    pub conversation: ConversationId,
}

/// `GET /v1/conversations/direct/{handle}/context`.
#[derive(Debug, Clone)]
pub struct ShowDirectContext {
    pub viewer: AgentKey,
    /// None: what was asked for is no handle, so nobody's.
    pub handle: Option<Handle>,
}

impl Read for ShowContext {
    type Out = ConversationContext;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<ConversationContext, Error> {
        let conversation = access(tx, self.viewer, self.conversation).await?;
        describe(tx, self.viewer, &conversation).await
    }
}

impl Read for ShowDirectContext {
    type Out = DirectContext;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<DirectContext, Error> {
        let handle = self.handle.as_ref().ok_or_else(Rejection::agent_not_found)?;
        let other = tx.agent_by_handle(handle).await?.ok_or_else(Rejection::agent_not_found)?;
        if other.key == self.viewer {
            return Err(Rejection::field("handle", "This is your own handle").into());
        }
        if !matches!(other.status, AgentStatus::Active | AgentStatus::Restricted) {
            return Err(Rejection::agent_not_found().into());
        }
        let conversation = match tx.direct_conversation_with(self.viewer, other.key).await? {
            Some(conversation) => Some(describe(tx, self.viewer, &conversation).await?),
            None => None,
        };
        let state = conversation
            .as_ref()
            .and_then(|context| context.direct_state.as_ref())
            .map_or(DirectState::New, |info| info.state.clone());
        Ok(DirectContext { state, counterparty: participant(tx, other.key).await?, conversation })
    }
}

async fn describe(tx: &mut Tx<'_>, viewer: AgentKey, conversation: &Membership) -> Result<ConversationContext, Error> {
    let about = ConversationContext {
        conversation_id: conversation.id,
        kind: conversation.id.kind.into(),
        group: None,
        counterparty: None,
        relationship: None,
        direct_state: None,
        unread: unread(tx, viewer, conversation).await?,
    };
    match &conversation.party {
        Party::Group(group) => Ok(ConversationContext { group: Some(about_group(group)), ..about }),
        Party::Direct(pair) => Ok(ConversationContext {
            counterparty: Some(participant(tx, pair.other).await?),
            relationship: Some(relationship(tx, viewer, pair).await?),
            direct_state: Some(DirectStateInfo {
                state: if pair.established { DirectState::Established } else { DirectState::Cold },
                initiated_by_self: pair.initiator == viewer,
                last_message_at: conversation.last_at.map(Timestamp::from_millis),
            }),
            ..about
        }),
    }
}

fn about_group(group: &GroupSeat) -> GroupContext {
    GroupContext {
        name: group.name.clone(),
        description: group.description.clone(),
        member_count: group.members,
        your_role: if group.admin { GroupRole::Admin } else { GroupRole::Member },
    }
}

async fn relationship(tx: &mut Tx<'_>, viewer: AgentKey, pair: &Pair) -> Result<Relationship, Error> {
    Ok(match tx.contact(viewer, pair.other).await? {
        Some(edge) => {
            Relationship { is_contact: true, added_at: Some(Timestamp::from_millis(edge.added_at)), note: edge.notes }
        }
        None => Relationship::default(),
    })
}

/// How much of a conversation is unread, and between which seqs it lies.
pub(super) async fn unread(tx: &mut Tx<'_>, viewer: AgentKey, conversation: &Membership) -> Result<Unread, Error> {
    let count = conversation.unread();
    if count == 0 {
        return Ok(Unread::default());
    }
    let (oldest_seq, newest_seq) = tx.unread_bounds(viewer, conversation.key, conversation.floor()).await?;
    Ok(Unread { count, oldest_seq, newest_seq })
}
