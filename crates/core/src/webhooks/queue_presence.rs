//! `presence.update` for webhooks.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::webhook::WebhookEvent;
use agentchat_store::key::AgentKey;
use agentchat_store::{Tx, Write};

use super::tell;
use crate::Error;
use crate::presence::Announcement;

/// Queues presences for those who have webhooks that want them. Sockets are told without a transaction; one attempt, and
/// no other, is all that webhooks are owed.
#[derive(Debug, Clone)]
pub struct QueuePresences {
    /// What is told to whom, and 16 random bytes each. At most [`QueuePresences::MOST`].
    pub announcements: Vec<(Announcement, AgentKey, [u8; 16])>,
    pub now: Timestamp,
}

impl QueuePresences {
    /// Announcements of one transaction.
    pub const MOST: usize = 100;
}

impl Write for QueuePresences {
    /// Whether anything was queued.
    type Out = bool;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let owners: Vec<AgentKey> = self.announcements.iter().map(|(_, owner, _)| *owner).collect();
        tx.lock_inboxes(&owners);
        let mut queued = false;
        for (announcement, owner, seed) in &self.announcements {
            let event = WebhookEvent::PresenceUpdate;
            queued |= tell(tx, *owner, &event, &announcement.changed, seed, self.now).await?;
        }
        Ok(queued)
    }
}
