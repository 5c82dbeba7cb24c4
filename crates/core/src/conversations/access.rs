//! Who may look into a conversation, and who its other side is.

use agentchat_protocol::agent::AgentStatus;
use agentchat_protocol::conversation::Participant;
use agentchat_protocol::id::{ConversationId, ConversationKind};
use agentchat_store::key::AgentKey;
use agentchat_store::tables::DirectConversation;
use agentchat_store::{StoreError, Tx};

use crate::{Error, Rejection};

/// The conversation, if `viewer` takes part in it; everything else is not found.
pub(crate) async fn access(tx: &mut Tx<'_>, viewer: AgentKey, id: ConversationId) -> Result<DirectConversation, Error> {
    if id.kind != ConversationKind::Direct {
        return Err(Rejection::conversation_not_found().into());
    }
    let found = tx.direct_conversation(viewer, &id.bytes()).await?;
    Ok(found.ok_or_else(Rejection::conversation_not_found)?)
}

/// The counterparty, of any account status; what deleted accounts said about themselves is gone.
pub(super) async fn counterparty(tx: &mut Tx<'_>, agent: AgentKey) -> Result<Participant, Error> {
    let row = tx
        .agent(agent)
        .await?
        .ok_or_else(|| StoreError::Internal(format!("agent {} of a conversation is gone", agent.0)))?;
    let display_name = row.display_name.filter(|_| row.status != AgentStatus::Deleted);
    Ok(Participant { handle: row.handle, display_name, avatar_url: None })
}
