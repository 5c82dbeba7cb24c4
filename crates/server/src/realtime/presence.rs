//! Whose first socket or stream came to this node, whose last one went, and what others have to be told of agents.
//!
//! The hub and the handlers note it here, which costs them next to nothing; `workers/presence` writes and tells it.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use agentchat_core::presence::{Announcement, Announcements};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::Life;
use tokio::sync::Notify;

/// What waits for the worker.
#[derive(Debug, Default)]
pub(crate) struct Attendance {
    noted: Mutex<Noted>,
    /// Somebody came or went.
    moved: Notify,
    /// There is something to tell, or a time to look at.
    told: Notify,
}

#[derive(Debug, Default)]
struct Noted {
    life: Life,
    moved: HashSet<AgentKey>,
    announcements: Vec<Announcement>,
    again_at: Option<Timestamp>,
}

impl Attendance {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This run of this node, as the store knows it.
    pub(crate) fn life(&self) -> Life {
        self.noted().life
    }

    /// The node goes on under another name.
    pub(crate) fn begin(&self, life: Life) {
        self.noted().life = life;
    }

    /// An agent's first connection came, or its last one went: whoever works on it looks which.
    pub(super) fn moved(&self, agent: AgentKey) {
        self.noted().moved.insert(agent);
        self.moved.notify_one();
    }

    /// Ends when there are moves to be taken.
    pub(crate) async fn has_moves(&self) {
        self.moved.notified().await;
    }

    /// The agents that moved since the last call.
    pub(crate) fn moves(&self) -> Vec<AgentKey> {
        self.noted().moved.drain().collect()
    }

    /// Has this told, after a commit. Quick.
    pub(crate) fn announce(&self, announcements: &Announcements) {
        let Announcements { now, again_at, .. } = announcements;
        if now.is_empty() && again_at.is_none() {
            return;
        }
        let mut noted = self.noted();
        noted.announcements.extend_from_slice(now);
        noted.again_at = noted.again_at.into_iter().chain(*again_at).min();
        drop(noted);
        self.told.notify_one();
    }

    /// Ends when there is something to tell, or a time to look at that was not known.
    pub(crate) async fn has_news(&self) {
        self.told.notified().await;
    }

    /// What is to be told.
    pub(crate) fn announcements(&self) -> Vec<Announcement> {
        std::mem::take(&mut self.noted().announcements)
    }

    /// When something that waits may be told.
    pub(crate) fn again_at(&self) -> Option<Timestamp> {
        self.noted().again_at
    }

    /// Somebody looks now.
    pub(crate) fn looked(&self) {
        self.noted().again_at = None;
    }
}
