//! The caller's own messages of a conversation, to close holes in `seq` on a socket (realtime.md §6.1).

use agentchat_protocol::message::Message;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, ConversationKey};
use agentchat_store::{Read, Tx};

use super::view;
use crate::Error;

/// Asks for the own visible rows with `after_seq` < seq < `before_seq`, at most the newest `limit`.
#[derive(Debug, Clone, Copy)]
pub struct OwnRows {
    pub agent: AgentKey,
    pub conversation: ConversationKey,
    pub after_seq: u64,
    pub before_seq: u64,
    pub limit: usize,
    pub now: Timestamp,
}

impl Read for OwnRows {
    /// Ascending seq.
    type Out = Vec<Message>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Message>, Error> {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let (after, before, now) = (number(self.after_seq), number(self.before_seq), self.now.as_millis());
        let mut rows = tx.own_rows(self.agent, self.conversation, after, before, limit, now).await?;
        rows.reverse();
        Ok(rows
            .into_iter()
            .map(|row| Ok(view::message(row)?.as_row(true, None)))
            .collect::<Result<_, agentchat_store::StoreError>>()?)
    }
}
