//! Agents that came to a server with their first socket or stream, and those whose last one was closed.

use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{Life, PresenceRow};
use agentchat_store::{Tx, Write};

use super::standing::{is_connected, settle};
use super::{Announcements, TTL_MS};
use crate::Error;

/// Writes down who is at the server of `life`. `None` when that life is over, or was never begun: the server must
/// begin another, and say again whom it has.
#[derive(Debug, Clone)]
pub struct Attend {
    pub life: Life,
    /// Agents, each once, and whether they are there now.
    pub agents: Vec<(AgentKey, bool)>,
    /// No other server can share the store: whatever another life left is gone.
    pub alone: bool,
    pub now: Timestamp,
}

impl Attend {
    /// Agents of one transaction.
    pub const MOST: usize = 250;
}

impl Write for Attend {
    type Out = Option<Announcements>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Announcements>, Error> {
        let now = self.now.as_millis();
        if !tx.renew_life(&self.life, now).await? {
            return Ok(None);
        }
        let mut agents: Vec<AgentKey> = self.agents.iter().map(|(agent, _)| *agent).collect();
        agents.sort_unstable();
        tx.take_presences(&agents, now).await?;
        let mut announcements = Announcements::default();
        for mut row in tx.presences(&self.life, now - TTL_MS, &agents).await? {
            if self.agents.contains(&(row.agent, true)) {
                self.came(tx, &mut row).await?;
            } else {
                self.left(tx, &mut row).await?;
            }
            row.last_seen = Some(now.max(row.last_seen.unwrap_or(now)));
            settle(tx, row, now, &mut announcements).await?;
        }
        Ok(Some(announcements))
    }
}

impl Attend {
    /// The first connection of all: what the agent said before counts if it is not too long ago.
    async fn came(&self, tx: &mut Tx<'_>, row: &mut PresenceRow) -> Result<(), Error> {
        let now = self.now.as_millis();
        if !is_connected(row) {
            row.said = row.said.take().filter(|said| said.until > now);
            if let Some(said) = &mut row.said {
                said.hidden = false;
            }
        }
        tx.add_connection(row.agent, &self.life).await?;
        row.here = Some(now);
        Ok(())
    }

    /// The last connection of all: what the agent said is kept for when it comes back.
    async fn left(&self, tx: &mut Tx<'_>, row: &mut PresenceRow) -> Result<(), Error> {
        let now = self.now.as_millis();
        let was_here = row.here.take().is_some();
        if self.alone {
            row.elsewhere = None;
            tx.remove_connections(row.agent).await?;
        } else {
            tx.remove_connection(row.agent, &self.life).await?;
        }
        if row.elsewhere.is_none() {
            row.said = row.said.take().filter(|said| was_here || said.until > now);
            if let Some(said) = &mut row.said {
                (said.hidden, said.until) = (true, now + TTL_MS);
            }
        }
        Ok(())
    }
}
