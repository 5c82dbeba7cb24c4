//! What others have to be told.

use agentchat_protocol::presence::PresenceChanged;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::PresenceRow;

/// A presence that others see from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    pub subject: AgentKey,
    pub changed: PresenceChanged,
}

impl Announcement {
    pub(super) fn of(row: &PresenceRow) -> Self {
        let changed = PresenceChanged {
            handle: row.handle.clone(),
            status: row.shown.status.clone(),
            custom_message: row.shown.message.clone(),
        };
        Self { subject: row.agent, changed }
    }
}

/// What an operation left to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announcements {
    /// Now.
    pub now: Vec<Announcement>,
    /// When something that was told too recently may be told again.
    pub again_at: Option<Timestamp>,
    /// The operation has more to do.
    pub more: bool,
}

impl Announcements {
    pub(super) fn look_again(&mut self, at: i64) {
        let at = Timestamp::from_millis(at);
        self.again_at = Some(self.again_at.map_or(at, |before| before.min(at)));
    }
}
