//! A page of what waits for an agent: sync, connect drain, re-offers.

use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::delivery::DeliveryKey;
use agentchat_protocol::id::MessageId;
use agentchat_protocol::message::Message;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::{AgentKey, ConversationKey};
use agentchat_store::tables::MessageRow;
use agentchat_store::{Read, StoreError, Tx};

use super::view;
use crate::Error;

/// Asks for the stored envelopes of `agent` behind a position, ascending, at most `limit`.
#[derive(Debug, Clone)]
pub struct PendingPage {
    pub agent: AgentKey,
    /// Exclusive.
    pub after: u64,
    pub limit: usize,
    pub now: Timestamp,
    pub keys: DeliveryKey,
}

/// The page, and the inbox in the same snapshot.
#[derive(Debug, Clone)]
pub struct Pending {
    pub rows: Vec<PendingRow>,
    /// The inbox's last position: with a short page, everything up to here is in it or settled.
    pub last_position: u64,
    pub epoch: i64,
    pub status: AgentStatus,
    pub paused: PausedByOwner,
}

/// One waiting message.
#[derive(Debug, Clone)]
pub struct PendingRow {
    pub position: u64,
    pub id: MessageId,
    pub conversation: ConversationKey,
    pub seq: u64,
    /// Muted (or the agent paused) when it was stored.
    pub quiet: bool,
    /// Commit time, milliseconds.
    pub created_at: Timestamp,
    /// The sync row.
    pub message: Message,
}

impl Read for PendingPage {
    type Out = Pending;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Pending, Error> {
        let inbox = tx.inbox(self.agent).await?.ok_or_else(|| StoreError::Internal("the agent has no inbox".into()))?;
        let after = i64::try_from(self.after).unwrap_or(i64::MAX);
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let rows = if inbox.undelivered > 0 {
            tx.waiting_messages(self.agent, after, limit, self.now.as_millis()).await?
        } else {
            Vec::new()
        };
        Ok(Pending {
            rows: rows.into_iter().filter_map(|row| self.row(row).transpose()).collect::<Result<_, _>>()?,
            last_position: inbox.last_position.unsigned_abs(),
            epoch: inbox.epoch,
            status: inbox.status,
            paused: inbox.paused,
        })
    }
}

impl PendingPage {
    fn row(&self, row: MessageRow) -> Result<Option<PendingRow>, StoreError> {
        let Some(envelope) = row.envelope else {
            return Ok(None);
        };
        let position = envelope.position.unsigned_abs();
        let (conversation, seq, created_at) = (row.conversation, row.seq.unsigned_abs(), row.created_at);
        let delivery = self.keys.encode(self.agent.0, position, created_at);
        let mut message = view::message(row)?.as_row(false, Some(delivery));
        message.age_ms = Some((self.now.as_millis() - created_at).max(0));
        message.redelivered = Some(false);
        Ok(Some(PendingRow {
            position,
            id: message.id,
            conversation,
            seq,
            quiet: envelope.quiet,
            created_at: message.created_at,
            message,
        }))
    }
}
