//! Finds what the bus lost: asks the shared store how far the logs of the agents here reach, and what became of
//! their accounts.
//!
//! Agents are asked about in batches, spread over a round; one that has just arrived is asked about at once, since
//! the bus may have heard of it a moment after its socket read the store. Who is up to date is told nothing.

use std::time::Duration;

use agentchat_bus::Health;
use agentchat_core::inboxes::InboxHeads;
use agentchat_protocol::agent::PausedByOwner;
use agentchat_store::key::AgentKey;
use agentchat_store::tables::InboxHead;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::app::App;
use crate::bus::Link;
use crate::realtime::{Head, Relay};

/// A store that says nothing for so long is asked again in the next round.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A bus that does not take an interest in so long is not waited for; the next round finds what it missed.
const JOINED_WITHIN: Duration = Duration::from_millis(500);

/// Works until the server shuts down; at once when nobody else can share the store.
pub(crate) async fn resync(app: App) {
    let Some(relay) = app.hub.relay() else { return };
    let health = app.bus().map(Link::watch);
    Resync { app: &app, relay, health, failing: false }.run().await;
}

struct Resync<'a> {
    app: &'a App,
    relay: &'a Relay,
    health: Option<watch::Receiver<Health>>,
    /// The last look failed.
    failing: bool,
}

/// Why a pause ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// It is over.
    GoOn,
    /// The bus was lost or came back: whatever it lost is to be found now.
    Hurry,
    Stop,
}

impl Resync<'_> {
    async fn run(mut self) {
        let mut next = Next::GoOn;
        while next != Next::Stop {
            let timing = &self.app.config.timing;
            let hurried = next == Next::Hurry;
            let period = if hurried || !self.is_up() { timing.resync_lost } else { timing.resync };
            next = self.round(period, hurried).await;
        }
    }

    fn is_up(&self) -> bool {
        self.health.as_ref().is_some_and(|health| *health.borrow() == Health::Up)
    }

    /// Asks about everybody once: evenly over the period, but about nobody later than a period after the last time.
    async fn round(&mut self, period: Duration, hurried: bool) -> Next {
        let began = Instant::now();
        let mut agents = self.app.hub.agents();
        agents.sort_unstable();
        let batches = agents.len().div_ceil(InboxHeads::MOST).max(1) as u32;
        for (batch, number) in agents.chunks(InboxHeads::MOST).zip(1..) {
            let even = began + period * number / batches;
            let due = batch[0].0.map_or(began, |looked| Instant::from_std(looked) + period);
            match self.pause(if hurried { even } else { even.min(due) }).await {
                Next::GoOn => self.look(batch.iter().map(|(_, agent)| *agent).collect()).await,
                other => return other,
            }
        }
        self.pause(began + period).await
    }

    /// Waits, and looks at whoever arrives meanwhile.
    async fn pause(&mut self, until: Instant) -> Next {
        loop {
            tokio::select! {
                biased;
                () = self.app.hub.stopping().cancelled() => return Next::Stop,
                () = changed(&mut self.health) => return Next::Hurry,
                () = tokio::time::sleep_until(until) => return Next::GoOn,
                () = self.relay.arrived() => {}
            }
            if !self.gather().await {
                return Next::Stop;
            }
            if let Some(bus) = self.app.bus().filter(|bus| bus.is_up()) {
                bus.joined(JOINED_WITHIN).await;
            }
            let mut agents = self.relay.arrivals();
            agents.retain(|agent| self.app.hub.is_here(*agent));
            agents.sort_unstable();
            agents.dedup();
            for batch in agents.chunks(InboxHeads::MOST) {
                self.look(batch.to_vec()).await;
            }
        }
    }

    /// Lets more agents arrive; false at the shutdown.
    async fn gather(&self) -> bool {
        tokio::select! {
            () = self.app.hub.stopping().cancelled() => false,
            () = tokio::time::sleep(self.app.config.timing.resync_arrival) => true,
        }
    }

    async fn look(&mut self, agents: Vec<AgentKey>) {
        metrics::counter!("agentchat_resync_reads_total").increment(1);
        match tokio::time::timeout(ANSWER_WITHIN, self.app.store.read(InboxHeads { agents })).await {
            Ok(Ok(heads)) => {
                self.failing = false;
                for head in heads {
                    self.app.hub.look(head.agent, of(&head));
                }
            }
            Ok(Err(error)) => self.failed(&error.to_string()),
            Err(_) => self.failed("it does not answer"),
        }
    }

    /// Said once; the next round asks again.
    fn failed(&mut self, why: &str) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(error = why, "the store cannot be asked what the bus lost");
        }
    }
}

fn of(head: &InboxHead) -> Head {
    Head { position: head.last_position.unsigned_abs(), epoch: head.epoch, paused: head.paused == PausedByOwner::Full }
}

/// Ends when the bus was lost or came back; never without a bus.
async fn changed(health: &mut Option<watch::Receiver<Health>>) {
    if let Some(health) = health
        && health.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
