//! `PUT /v1/presence`, and the frame that does the same.

use agentchat_protocol::handle::Handle;
use agentchat_protocol::presence::{Presence, PresenceChanged, PresenceRequest};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::ShownPresence;
use agentchat_store::{Tx, Write};

use super::standing::may_tell_at;
use super::{Announcement, Announcements, TTL_MS};
use crate::Error;

/// An agent says whether it is there, connected or not.
#[derive(Debug, Clone)]
pub struct SayPresence {
    pub agent: AgentKey,
    pub handle: Handle,
    pub request: PresenceRequest,
    pub now: Timestamp,
}

/// What it says now, and what others have to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidSo {
    pub presence: Presence,
    pub announcements: Announcements,
}

impl Write for SayPresence {
    type Out = SaidSo;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<SaidSo, Error> {
        let now = self.now.as_millis();
        let PresenceRequest { status, custom_message } = self.request.clone();
        let what = ShownPresence { status, message: custom_message };
        let fades = now + TTL_MS;
        let (shown, shown_at) = tx.say_presence(self.agent, &what, fades, now).await?;
        let mut announcements = Announcements::default();
        if what == shown {
            tx.show_presence(self.agent, &shown, shown_at, Some(fades)).await?;
        } else if let Some(at) = may_tell_at(shown_at, now) {
            announcements.look_again(at);
            tx.show_presence(self.agent, &shown, shown_at, Some(at)).await?;
        } else {
            announcements.now.push(self.announcement(&what));
            tx.show_presence(self.agent, &what, now, Some(fades)).await?;
        }
        Ok(SaidSo { presence: self.presence(what), announcements })
    }
}

impl SayPresence {
    fn announcement(&self, what: &ShownPresence) -> Announcement {
        let (status, custom_message) = (what.status.clone(), what.message.clone());
        let changed = PresenceChanged { handle: self.handle.clone(), status, custom_message };
        Announcement { subject: self.agent, changed }
    }

    fn presence(&self, what: ShownPresence) -> Presence {
        Presence {
            handle: self.handle.clone(),
            status: what.status,
            custom_message: what.message,
            last_seen: Some(self.now),
        }
    }
}
