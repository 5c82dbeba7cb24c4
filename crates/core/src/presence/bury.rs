//! A server that was not renewed: its agents are not there any more.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::tables::Life;
use agentchat_store::{Tx, Write};

use super::standing::{is_connected, settle};
use super::{Announcements, Attend, TTL_MS};
use crate::Error;

/// Forgets the connections of one dead server, a chunk an operation. Runs again while there is more.
#[derive(Debug, Clone, Copy)]
pub struct Bury {
    /// The asking server's, which lives.
    pub life: Life,
    pub now: Timestamp,
}

impl Write for Bury {
    type Out = Announcements;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Announcements, Error> {
        let now = self.now.as_millis();
        let mut announcements = Announcements::default();
        let dead = tx.declare_dead(&self.life, now - TTL_MS).await?;
        let Some((life, renewed_at)) = dead else { return Ok(announcements) };
        announcements.more = true;
        let agents = tx.connected_agents(&life, Attend::MOST as i64).await?;
        if agents.is_empty() {
            tx.forget_life(&life).await?;
            return Ok(announcements);
        }
        tx.take_presences(&agents, now).await?;
        for mut row in tx.presences(&self.life, now - TTL_MS, &agents).await? {
            tx.remove_connection(row.agent, &life).await?;
            row.last_seen = row.last_seen.max(Some(renewed_at));
            if !is_connected(&row)
                && let Some(said) = &mut row.said
            {
                said.until = said.until.max(renewed_at + TTL_MS);
            }
            settle(tx, row, now, &mut announcements).await?;
        }
        Ok(announcements)
    }
}
