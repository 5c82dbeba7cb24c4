//! `DELETE /v1/messages/{message_id}`: hide for me.

use agentchat_protocol::id::MessageId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use crate::{Error, Rejection};

/// Removes one message from the caller's own view.
#[derive(Debug, Clone, Copy)]
pub struct HideMessage {
    pub agent: AgentKey,
    pub message: MessageId,
    pub now: Timestamp,
}

impl Write for HideMessage {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.lock_inboxes(&[self.agent]);
        let now = self.now.as_millis();
        let row =
            tx.message_by_id(self.agent, &self.message.bytes(), now).await?.ok_or_else(Rejection::message_not_found)?;
        let conversation =
            tx.membership_by_key(self.agent, row.conversation).await?.ok_or_else(Rejection::message_not_found)?;
        let received = row.sender != self.agent && row.envelope.is_some();
        let sees = row.sender == self.agent || (conversation.is_active() && row.seq >= conversation.joined_seq);
        if !received && !sees {
            return Err(Rejection::message_not_found().into());
        }
        let fresh = tx.hide_message(self.agent, row.key).await?;
        if fresh && received {
            if row.seq > conversation.floor() {
                tx.count_hidden_unread(self.agent, conversation.key).await?;
            }
            let settled = tx.settle(self.agent, row.key, now).await?;
            tx.count_settled(self.agent, i64::from(settled)).await?;
        }
        Ok(())
    }
}
