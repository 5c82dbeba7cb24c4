//! `GET /v1/conversations/{id}/participants`.

use agentchat_protocol::conversation::Participant;
use agentchat_protocol::id::ConversationId;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx};

use super::access::{access, counterparty};
use crate::Error;

/// Asks who else is in a conversation.
#[derive(Debug, Clone, Copy)]
pub struct ListParticipants {
    pub viewer: AgentKey,
    pub conversation: ConversationId,
}

impl Read for ListParticipants {
    type Out = Vec<Participant>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Participant>, Error> {
        let conversation = access(tx, self.viewer, self.conversation).await?;
        Ok(vec![counterparty(tx, conversation.other).await?])
    }
}
