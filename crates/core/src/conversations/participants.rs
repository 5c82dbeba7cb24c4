//! `GET /v1/conversations/{id}/participants`.

use agentchat_protocol::conversation::Participant;
use agentchat_protocol::id::ConversationId;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx};

use super::access::{access, participant};
use crate::Error;

/// Asks who is in a conversation: the counterparty, or all members of a group by when they came.
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
        let everybody = match conversation.pair() {
            Some(pair) => vec![pair.other],
            None => tx.active_members(conversation.key).await?,
        };
        let mut participants = Vec::with_capacity(everybody.len());
        for agent in everybody {
            participants.push(participant(tx, agent).await?);
        }
        Ok(participants)
    }
}
