//! Conversations as the list shows them, and what was said in one.

use agentchat_protocol::conversation::ConversationListItem;
use agentchat_protocol::delivery::DeliveryKey;
use agentchat_protocol::message::Message;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, ConversationKey};
use agentchat_store::tables::{HistoryCursor, Span};
use agentchat_store::{Read, StoreError, Tx};

use crate::Error;
use crate::conversations::ListConversations;
use crate::messages::history_row;

/// Some of an agent's conversations.
#[derive(Debug, Clone)]
pub struct ExportConversations {
    pub agent: AgentKey,
    pub conversations: Vec<ConversationKey>,
    pub now: Timestamp,
}

impl Read for ExportConversations {
    type Out = Vec<ConversationListItem>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<ConversationListItem>, Error> {
        let list = ListConversations { agent: self.agent, limit: 0, offset: 0, now: self.now };
        let mut items = Vec::with_capacity(self.conversations.len());
        for key in &self.conversations {
            if let Some(found) = tx.membership_by_key(self.agent, *key).await? {
                items.push(list.item(tx, &found).await?);
            }
        }
        Ok(items)
    }
}

/// A page of a conversation's history, oldest first.
#[derive(Debug, Clone)]
pub struct ExportMessages {
    pub agent: AgentKey,
    /// What is left of it.
    pub span: Span,
    pub limit: i64,
    pub keys: DeliveryKey,
    pub now: Timestamp,
}

/// The page.
#[derive(Debug, Clone)]
pub struct FoundMessages {
    pub messages: Vec<Message>,
    /// Where the next page begins; none when there is none.
    pub above: Option<i64>,
}

impl Read for ExportMessages {
    type Out = FoundMessages;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<FoundMessages, Error> {
        let (span, now) = (&self.span, self.now.as_millis());
        let cursor = HistoryCursor::After(span.above);
        let mut rows = tx.history(self.agent, span.conversation, span.above, cursor, self.limit, now).await?;
        let is_full = rows.len() as i64 >= self.limit;
        let above = rows.last().map(|row| row.seq).filter(|seq| is_full && *seq < span.through);
        rows.retain(|row| row.seq <= span.through);
        let rows = rows.into_iter().map(|row| history_row(row, self.agent, &self.keys));
        Ok(FoundMessages { messages: rows.collect::<Result<_, StoreError>>()?, above })
    }
}
