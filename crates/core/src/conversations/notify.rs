//! `PUT` and `GET /v1/conversations/{id}/notify`: what of a conversation wakes the caller (X5).

use agentchat_protocol::conversation::NotifyLevel;
use agentchat_protocol::id::ConversationId;
use agentchat_store::key::AgentKey;
use agentchat_store::{Read, Tx, Write};

use super::access::access;
use crate::Error;

/// Sets what wakes the agent. Envelopes, sync and unread counts stay as they are.
#[derive(Debug, Clone)]
pub struct SetNotifyLevel {
    pub agent: AgentKey,
    pub conversation: ConversationId,
    pub level: NotifyLevel,
}

impl Write for SetNotifyLevel {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.lock_inboxes(&[self.agent]);
        let found = access(tx, self.agent, self.conversation).await?;
        tx.set_notify(self.agent, found.key, number(&self.level)).await?;
        Ok(())
    }
}

/// Asks what wakes the agent.
#[derive(Debug, Clone, Copy)]
pub struct ShowNotifyLevel {
    pub agent: AgentKey,
    pub conversation: ConversationId,
}

impl Read for ShowNotifyLevel {
    type Out = NotifyLevel;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<NotifyLevel, Error> {
        Ok(notify_level(access(tx, self.agent, self.conversation).await?.notify))
    }
}

fn number(level: &NotifyLevel) -> i64 {
    match level {
        NotifyLevel::Mentions => 1,
        NotifyLevel::None => 2,
        _ => 0,
    }
}

/// The level of a stored number.
pub(super) fn notify_level(number: i64) -> NotifyLevel {
    match number {
        1 => NotifyLevel::Mentions,
        2 => NotifyLevel::None,
        _ => NotifyLevel::All,
    }
}
