//! `DELETE /v1/conversations/{id}`: hide for me, until something new is said.

use agentchat_protocol::id::ConversationId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::access::access;
use crate::Error;

/// Masks everything said so far from the caller's list and history. Envelopes and cursor stay.
#[derive(Debug, Clone, Copy)]
pub struct HideConversation {
    pub agent: AgentKey,
    pub conversation: ConversationId,
    pub now: Timestamp,
}

impl Write for HideConversation {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.lock_inboxes(&[self.agent]);
        let found = access(tx, self.agent, self.conversation).await?;
        tx.hide_conversation(self.agent, found.key, found.last_seq, found.received, self.now.as_millis()).await?;
        Ok(())
    }
}
