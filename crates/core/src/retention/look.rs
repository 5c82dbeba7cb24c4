//! What may be emptied.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{ConversationKey, MessageKey};
use agentchat_store::tables::RetentionCandidate;
use agentchat_store::{Read, Tx};

use crate::Error;

/// A page of messages that are older than `before`.
#[derive(Debug, Clone, Copy)]
pub struct LookForOld {
    /// The message that was looked at last.
    pub after: MessageKey,
    pub before: Timestamp,
    /// Those that once waited for somebody, instead of those nobody looked at yet.
    pub again: bool,
    /// Messages of a page.
    pub limit: i64,
    /// Rows of one transaction; a message to more recipients is a transaction of its own.
    pub rows: i64,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Looked {
    pub parts: Vec<Part>,
    /// They wait for somebody.
    pub waiting: Vec<MessageKey>,
    /// How far this page reaches; none when it is empty.
    pub through: Option<MessageKey>,
}

/// Messages of one conversation, few enough for one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub conversation: ConversationKey,
    pub messages: Vec<MessageKey>,
}

impl Read for LookForOld {
    type Out = Looked;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Looked, Error> {
        let mut page = match self.again {
            true => tx.retention_waiting(self.after, self.limit).await?,
            false => tx.retention_candidates(self.after, self.limit).await?,
        };
        let young = page.iter().position(|message| message.created_at >= self.before.as_millis());
        if !self.again {
            // Keys rise with time: what follows is younger, or almost.
            page.truncate(young.unwrap_or(page.len()));
        }
        let through = page.last().map(|message| message.message);
        let waiting = page.iter().filter(|message| message.waits).map(|message| message.message).collect();
        let is_due = |message: &RetentionCandidate| {
            !message.waits && !message.is_stub && message.created_at < self.before.as_millis()
        };
        page.retain(is_due);
        Ok(Looked { parts: parts(page, self.rows), waiting, through })
    }
}

fn parts(mut messages: Vec<RetentionCandidate>, most: i64) -> Vec<Part> {
    messages.sort_by_key(|message| (message.conversation, message.message));
    let mut parts: Vec<Part> = Vec::new();
    let mut rows = 0;
    for RetentionCandidate { message, conversation, envelopes, .. } in messages {
        rows += 1 + envelopes;
        match parts.last_mut() {
            Some(part) if part.conversation == conversation && rows <= most => part.messages.push(message),
            _ => {
                rows = 1 + envelopes;
                parts.push(Part { conversation, messages: vec![message] });
            }
        }
    }
    parts
}
