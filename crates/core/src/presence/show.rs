//! `GET /v1/presence/{handle}` and `POST /v1/presence/batch`.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::presence::Presence;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::{Life, PresenceRow, ShownPresence};
use agentchat_store::{Read, Tx};

use super::TTL_MS;
use super::standing::visible;
use crate::{Error, Rejection};

/// An agent's presence as far as the store knows it; a server knows better whom it has itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting(PresenceRow);

impl Sighting {
    /// Whose.
    pub fn agent(&self) -> AgentKey {
        self.0.agent
    }

    /// What there is to see, at the server that looked and has a connection of the agent or not.
    pub fn presence(&self, is_here: bool, now: Timestamp) -> Presence {
        let row = &self.0;
        let connected = is_here || row.elsewhere.is_some();
        let just_left = row.here.is_some() && !connected;
        let just_came = connected && row.here.is_none() && row.elsewhere.is_none();
        let millis = now.as_millis();
        let seen = if just_left {
            ShownPresence::OFFLINE
        } else if just_came && row.said.as_ref().is_some_and(|said| said.until <= millis) {
            visible(&PresenceRow { said: None, ..row.clone() }, true, millis)
        } else {
            visible(row, connected, millis)
        };
        let moment = (just_left || just_came).then_some(millis);
        let last_seen = row.last_seen.max(row.here).max(row.elsewhere).max(moment);
        Presence {
            handle: row.handle.clone(),
            status: seen.status,
            custom_message: seen.message,
            last_seen: last_seen.map(Timestamp::from_millis),
        }
    }
}

/// The presence of the viewer itself or of one of its contacts; everybody else is `NOT_FOUND`.
#[derive(Debug, Clone)]
pub struct ShowPresence {
    pub viewer: AgentKey,
    pub handle: Handle,
    /// The asking server's.
    pub life: Life,
    pub now: Timestamp,
}

impl Read for ShowPresence {
    type Out = Sighting;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Sighting, Error> {
        let handles = std::slice::from_ref(&self.handle);
        let since = self.now.as_millis() - TTL_MS;
        let found = tx.visible_presences(&self.life, since, handles, self.viewer).await?.pop();
        Ok(found.map(Sighting).ok_or_else(|| Rejection::new(ErrorCode::NotFound, "Not found"))?)
    }
}

/// The presence of those of these agents that the viewer may see, in any order.
#[derive(Debug, Clone)]
pub struct ShowPresences {
    pub viewer: AgentKey,
    pub handles: Vec<Handle>,
    /// The asking server's.
    pub life: Life,
    pub now: Timestamp,
}

impl Read for ShowPresences {
    type Out = Vec<Sighting>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Sighting>, Error> {
        let since = self.now.as_millis() - TTL_MS;
        let rows = tx.visible_presences(&self.life, since, &self.handles, self.viewer).await?;
        Ok(rows.into_iter().map(Sighting).collect())
    }
}
