//! `GET /v1/messages/{conversation_id}`.

use agentchat_protocol::delivery::DeliveryKey;
use agentchat_protocol::id::{ConversationId, MessageId};
use agentchat_protocol::message::Message;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{HistoryCursor, Membership};
use agentchat_store::{Read, StoreError, Tx};

use super::view;
use crate::conversations::access;
use crate::{Error, Rejection};

/// Where a page of history stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryAnchor {
    /// The newest rows, newest first.
    Newest,
    /// The rows below a seq, newest first.
    Before(u64),
    /// The rows above a seq, oldest first.
    After(u64),
    /// The rows ending at this message, newest first.
    Around(MessageId),
}

/// Asks for a page of a conversation the caller takes part in.
#[derive(Debug, Clone)]
pub struct ShowHistory {
    pub viewer: AgentKey,
    pub conversation: ConversationId,
    pub anchor: HistoryAnchor,
    pub limit: usize,
    pub keys: DeliveryKey,
    pub now: Timestamp,
}

impl Read for ShowHistory {
    type Out = Vec<Message>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Message>, Error> {
        let conversation = access(tx, self.viewer, self.conversation).await?;
        let cursor = self.cursor(tx, &conversation).await?;
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let (floor, now) = (conversation.visible_after(), self.now.as_millis());
        let rows = tx.history(self.viewer, conversation.key, floor, cursor, limit, now).await?;
        Ok(rows
            .into_iter()
            .map(|row| view::history_row(row, self.viewer, &self.keys))
            .collect::<Result<_, StoreError>>()?)
    }
}

impl ShowHistory {
    async fn cursor(&self, tx: &mut Tx<'_>, conversation: &Membership) -> Result<HistoryCursor, Error> {
        let number = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
        Ok(match self.anchor {
            HistoryAnchor::Newest => HistoryCursor::Before(i64::MAX),
            HistoryAnchor::Before(seq) => HistoryCursor::Before(number(seq)),
            HistoryAnchor::After(seq) => HistoryCursor::After(number(seq)),
            HistoryAnchor::Around(message) => {
                HistoryCursor::Before(self.anchor_seq(tx, conversation, message).await? + 1)
            }
        })
    }

    /// The seq of an anchor the viewer can see in this conversation.
    async fn anchor_seq(&self, tx: &mut Tx<'_>, conversation: &Membership, message: MessageId) -> Result<i64, Error> {
        let row = tx
            .message_by_id(self.viewer, &message.bytes(), self.now.as_millis())
            .await?
            .filter(|row| row.conversation == conversation.key && row.seq > conversation.visible_after())
            .ok_or_else(Rejection::message_not_found)?;
        if tx.is_hidden(self.viewer, row.key).await? {
            return Err(Rejection::message_not_found().into());
        }
        Ok(row.seq)
    }
}
