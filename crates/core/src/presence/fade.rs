//! Presences whose time has come: they fade, or what had to wait is told.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::tables::Life;
use agentchat_store::{Read, Tx, Write};

use super::standing::settle;
use super::{Announcements, Attend, TTL_MS};
use crate::Error;

/// Whether [`Fade`] or [`super::Bury`] have something to do.
#[derive(Debug, Clone, Copy)]
pub struct PresenceDue {
    pub life: Life,
    pub now: Timestamp,
}

impl Read for PresenceDue {
    type Out = bool;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let now = self.now.as_millis();
        Ok(tx.is_presence_due(&self.life, now, now - TTL_MS).await?)
    }
}

/// Looks at presences that are due, a chunk an operation. Runs again while there is more.
#[derive(Debug, Clone, Copy)]
pub struct Fade {
    pub life: Life,
    pub now: Timestamp,
}

impl Write for Fade {
    type Out = Announcements;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Announcements, Error> {
        let now = self.now.as_millis();
        let mut announcements = Announcements::default();
        let agents = tx.due_presences(now, Attend::MOST as i64).await?;
        if agents.is_empty() {
            return Ok(announcements);
        }
        announcements.more = agents.len() == Attend::MOST;
        tx.take_presences(&agents, now).await?;
        for row in tx.presences(&self.life, now - TTL_MS, &agents).await? {
            settle(tx, row, now, &mut announcements).await?;
        }
        Ok(announcements)
    }
}
