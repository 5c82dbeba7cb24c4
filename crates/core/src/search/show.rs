//! Candidates of the index as the caller sees them now.

use agentchat_protocol::delivery::DeliveryKey;
use agentchat_protocol::search::Found;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, MessageKey};
use agentchat_store::tables::Candidate;
use agentchat_store::{Read, Tx};

use super::examine::{Excerpt, examine};
use super::query::Query;
use crate::Error;
use crate::messages::history_row;

/// Of these messages the newest that `viewer` may see and that hold what is looked for.
#[derive(Debug, Clone)]
pub struct ShowFound {
    pub viewer: AgentKey,
    pub candidates: Vec<MessageKey>,
    pub query: Query,
    /// Sent after this, and before that.
    pub after: Option<Timestamp>,
    pub before: Option<Timestamp>,
    pub most: usize,
    pub keys: DeliveryKey,
    pub now: Timestamp,
}

/// A message that was found, and where to go on behind it.
#[derive(Debug, Clone)]
pub struct FoundMessage {
    pub key: MessageKey,
    pub found: Found,
}

impl Read for ShowFound {
    /// Newest first.
    type Out = Vec<FoundMessage>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<FoundMessage>, Error> {
        let mut shown = Vec::new();
        for candidate in tx.searchable(self.viewer, &self.candidates).await? {
            if shown.len() == self.most {
                break;
            }
            let Some(excerpt) = self.excerpt(&candidate) else { continue };
            let Some(row) = tx.message(self.viewer, candidate.key, self.now.as_millis()).await? else { continue };
            let message = history_row(row, self.viewer, &self.keys)?;
            let highlights = excerpt.highlights.iter().map(|hit| vec![hit.start as u64, hit.end as u64]).collect();
            let found = Found { message, snippet: excerpt.snippet, highlights };
            shown.push(FoundMessage { key: candidate.key, found });
        }
        Ok(shown)
    }
}

impl ShowFound {
    fn excerpt(&self, candidate: &Candidate) -> Option<Excerpt> {
        let sent = Timestamp::from_millis(candidate.created_at);
        let in_time = self.after.is_none_or(|after| sent > after) && self.before.is_none_or(|before| sent < before);
        if in_time { examine(&candidate.content, &self.query) } else { None }
    }
}
