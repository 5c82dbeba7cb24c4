//! Who is there: writes down whose sockets and streams this node has, renews that, and has others told.
//!
//! Who comes and goes is gathered for a moment and written a few hundred agents a transaction; who goes a moment later,
//! since many come back at once, here or elsewhere. What is written stands as
//! long as the node renews its one row, once a minute, however many agents it has. A node that is not heard of for five
//! minutes is buried by the others (or by its next start), and its agents fade.

use std::collections::HashSet;
use std::time::Duration;

use agentchat_core::presence::{
    Announcement, Announcements, Attend, Audience, AudiencePage, Begin, Bury, Fade, PresenceDue, Renew,
};
use agentchat_core::webhooks::QueuePresences;
use agentchat_protocol::frame::ServerFrame;
use agentchat_store::Write;
use agentchat_store::key::AgentKey;
use tokio::time::{Instant, sleep, sleep_until};

use crate::app::App;
use crate::realtime::{Attendance, Event, frame_text};

/// Pause after the store could not write.
const RETRY: Duration = Duration::from_millis(500);
/// Subjects whose audience is asked for at once.
const SUBJECTS: usize = 250;

/// Works until the server shuts down; then everybody here has gone.
pub(crate) async fn keep_presence(app: App) {
    let keeper = Keeper { app: &app, attendance: app.hub.attendance() };
    keeper.begin(app.node).await;
    tokio::join!(keeper.write_down(), keeper.tell());
}

struct Keeper<'a> {
    app: &'a App,
    attendance: &'a Attendance,
}

impl Keeper<'_> {
    /// Writes who comes and goes, and that this node lives.
    async fn write_down(&self) {
        let timing = &self.app.config.timing;
        let mut renew_at = Instant::now() + timing.renew_presence;
        let mut leaving = HashSet::new();
        loop {
            tokio::select! {
                biased;
                () = self.app.hub.stopping().cancelled() => break,
                () = sleep_until(renew_at) => {
                    self.renew().await;
                    renew_at = Instant::now() + timing.renew_presence;
                }
                () = self.has_moves(&leaving) => {
                    self.gather().await;
                    let is_here = |agent: &AgentKey| self.app.hub.connections(*agent) > 0;
                    let (here, gone): (HashSet<_>, HashSet<_>) = self.attendance.moves().into_iter().partition(is_here);
                    self.settle(leaving.union(&here).copied().collect()).await;
                    leaving = gone;
                }
            }
        }
        self.leave(leaving).await;
    }

    /// Waits for somebody who comes or goes, if nobody is going.
    async fn has_moves(&self, leaving: &HashSet<AgentKey>) {
        if leaving.is_empty() {
            self.attendance.has_moves().await;
        }
    }

    /// Lets more agents come and go.
    async fn gather(&self) {
        tokio::select! {
            () = self.app.hub.stopping().cancelled() => {}
            () = sleep(self.app.config.timing.gather_presence) => {}
        }
    }

    async fn renew(&self) {
        // Nobody else asks whether a node without connections lives that has its store to itself.
        if !self.app.is_shared() && self.app.hub.all_connections() == 0 {
            return;
        }
        match self.app.store.write_own(Renew { life: self.attendance.life(), now: self.app.clock.now() }).await {
            Ok(true) => {}
            Ok(false) => self.begin_again().await,
            Err(error) => tracing::warn!(%error, "the node's connections are not renewed yet"),
        }
    }

    async fn begin(&self, life: [u8; 16]) {
        self.attendance.begin(life);
        if let Err(error) = self.app.store.write_own(Begin { life, now: self.app.clock.now() }).await {
            tracing::warn!(%error, "the node cannot be written down yet");
            sleep(RETRY).await;
        }
    }

    /// Others took this node for dead and forgot whom it has, or its life was never begun.
    async fn begin_again(&self) {
        tracing::warn!("the store does not know of this node any more; its connections are written down again");
        self.begin(self.app.entropy.bytes()).await;
        for (_, agent) in self.app.hub.agents() {
            self.app.hub.note_presence(agent);
        }
    }

    async fn settle(&self, mut agents: Vec<AgentKey>) {
        while !agents.is_empty() {
            let rest = agents.split_off(agents.len().min(Attend::MOST));
            match self.attend(&agents).await {
                Ok(Some(announcements)) => self.attendance.announce(&announcements),
                Ok(None) => {
                    self.put_back(agents);
                    self.begin_again().await;
                }
                Err(error) => {
                    tracing::warn!(%error, count = agents.len() + rest.len(), "connections are not written down yet");
                    self.put_back(agents);
                    self.put_back(rest);
                    return sleep(RETRY).await;
                }
            }
            agents = rest;
        }
    }

    async fn attend(&self, agents: &[AgentKey]) -> Result<Option<Announcements>, agentchat_core::Error> {
        let attend = Attend {
            life: self.attendance.life(),
            agents: agents.iter().map(|agent| (*agent, self.app.hub.connections(*agent) > 0)).collect(),
            alone: !self.app.is_shared(),
            now: self.app.clock.now(),
        };
        self.app.store.write_own(attend).await
    }

    fn put_back(&self, agents: Vec<AgentKey>) {
        for agent in agents {
            self.app.hub.note_presence(agent);
        }
    }

    /// At the shutdown all sockets are being closed: nobody is here any more, once that is done.
    async fn leave(&self, leaving: HashSet<AgentKey>) {
        let until = Instant::now() + self.app.config.timing.farewell;
        while self.app.hub.all_connections() > 0 && Instant::now() < until {
            sleep(Duration::from_millis(5)).await;
        }
        let moved: HashSet<AgentKey> = self.attendance.moves().into_iter().chain(leaving).collect();
        self.settle(moved.into_iter().collect()).await;
        self.announce().await;
    }

    /// Tells what there is to tell, and looks at what is due.
    async fn tell(&self) {
        let mut sweep_at = Instant::now() + self.app.config.timing.sweep_presence;
        while !self.app.is_draining() {
            let again =
                self.attendance.again_at().map(|at| at.millis_since(self.app.clock.now()).max(0).unsigned_abs());
            let next = again.map_or(sweep_at, |millis| sweep_at.min(Instant::now() + Duration::from_millis(millis)));
            tokio::select! {
                biased;
                () = self.app.hub.stopping().cancelled() => return,
                () = self.attendance.has_news() => {}
                () = sleep_until(next) => {
                    self.attendance.looked();
                    self.sweep().await;
                    sweep_at = Instant::now() + self.app.config.timing.sweep_presence;
                }
            }
            self.announce().await;
        }
    }

    async fn sweep(&self) {
        let life = self.attendance.life();
        match self.app.store.read(PresenceDue { life, now: self.app.clock.now() }).await {
            Ok(false) => {}
            Ok(true) => {
                self.repeat(|now| Bury { life, now }).await;
                self.repeat(|now| Fade { life, now }).await;
            }
            Err(error) => tracing::warn!(%error, "presences are not looked at yet"),
        }
    }

    async fn repeat<W>(&self, operation: impl Fn(agentchat_protocol::timestamp::Timestamp) -> W)
    where
        W: Write<Out = Announcements, Error = agentchat_core::Error>,
    {
        while !self.app.is_draining() {
            match self.app.store.write_own(operation(self.app.clock.now())).await {
                Ok(announcements) => {
                    self.attendance.announce(&announcements);
                    if !announcements.more {
                        return;
                    }
                }
                Err(error) => return tracing::warn!(%error, "presences are not looked at yet"),
            }
        }
    }

    async fn announce(&self) {
        let announcements = self.attendance.announcements();
        for chunk in announcements.chunks(SUBJECTS) {
            if let Err(error) = self.announce_chunk(chunk).await {
                tracing::warn!(%error, count = chunk.len(), "changes of presence are not told");
            }
        }
    }

    async fn announce_chunk(&self, announcements: &[Announcement]) -> Result<(), agentchat_core::Error> {
        let mut subjects: Vec<AgentKey> = announcements.iter().map(|announcement| announcement.subject).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let mut after = None;
        loop {
            let page = self.app.store.read(Audience { subjects: subjects.clone(), after }).await?;
            for group in page.pairs.chunk_by(|one, other| one.0 == other.0) {
                let owners: Vec<AgentKey> = group.iter().map(|(_, owner)| *owner).collect();
                for announcement in announcements.iter().filter(|announcement| announcement.subject == group[0].0) {
                    self.tell_owners(announcement, &owners);
                }
            }
            self.queue(announcements, &page).await?;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// For the webhooks of those on this page who have any.
    async fn queue(&self, announcements: &[Announcement], page: &AudiencePage) -> Result<(), agentchat_core::Error> {
        let hooked = page.pairs.iter().filter(|(_, owner)| page.hooked.binary_search(owner).is_ok());
        let told: Vec<_> = hooked
            .flat_map(|(subject, owner)| {
                let of_subject = announcements.iter().filter(move |announcement| announcement.subject == *subject);
                of_subject.map(|announcement| (announcement.clone(), *owner, self.app.entropy.bytes()))
            })
            .collect();
        for chunk in told.chunks(QueuePresences::MOST) {
            let operation = QueuePresences { announcements: chunk.to_vec(), now: self.app.clock.now() };
            if self.app.store.write_own(operation).await? {
                self.app.hooks.wake();
            }
        }
        Ok(())
    }

    fn tell_owners(&self, announcement: &Announcement, owners: &[AgentKey]) {
        if let Some(text) = frame_text(&ServerFrame::PresenceUpdate(announcement.changed.clone())) {
            self.app.hub.events(owners, &Event { text: text.into(), droppable: true });
        }
    }
}

#[cfg(test)]
mod tests;
