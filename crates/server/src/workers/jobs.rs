//! Long work in chunks, between the requests of others: clears what deleted accounts and groups leave behind.
//!
//! A job is claimed before it is worked on, and each chunk makes sure of the claim in its own transaction, so no two
//! nodes do it twice. A node that dies leaves its jobs to the others once its claim has run out.

use std::time::Duration;

use agentchat_core::Error;
use agentchat_core::groups::GroupEnd;
use agentchat_core::jobs::{Advance, Advanced, Claim, ClaimJob, Progress, ReleaseJob};
use agentchat_protocol::frame::ServerFrame;
use agentchat_protocol::id::MessageId;
use agentchat_store::key::JobKey;
use tokio::sync::Notify;

use crate::app::App;
use crate::realtime::{Event, frame_text};
use crate::sending::publish_posted;

/// Pause after the store could not write.
const RETRY: Duration = Duration::from_millis(500);
/// A node that is alone holds nothing against its next start.
const ALONE: i64 = -1;

/// Whether there may be a job that nobody works on.
#[derive(Debug)]
pub(crate) struct Jobs(Notify);

impl Default for Jobs {
    /// At the start there may be some of the last run.
    fn default() -> Self {
        let jobs = Self(Notify::new());
        jobs.wake();
        jobs
    }
}

impl Jobs {
    /// A job was stored just now.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }
}

/// Works on jobs until the server shuts down.
pub(crate) async fn work(app: App) {
    while wait(&app).await {
        loop {
            match app.store.write_own(ClaimJob(claim(&app))).await {
                Ok(Some(job)) => finish(&app, job).await,
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "no job can be claimed; trying again");
                    tokio::time::sleep(RETRY).await;
                }
            }
            if app.is_draining() {
                return;
            }
        }
    }
}

/// Waits for a job of this node, or until it is time to look for those of others; false at the shutdown.
async fn wait(app: &App) -> bool {
    let others = async {
        match app.is_shared() {
            true => tokio::time::sleep(app.config.timing.seek_jobs).await,
            false => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = app.hub.stopping().cancelled() => false,
        () = app.jobs.0.notified() => true,
        () = others => true,
    }
}

/// Runs one job to its end. A shutdown leaves the rest to another node or the next start; nobody can tell the
/// difference.
async fn finish(app: &App, job: JobKey) {
    let mut told = false;
    while !app.is_draining() {
        match advance(app, job, told).await {
            Ok(Advanced { progress: Progress::More, end, .. }) => {
                if let Some(end) = end {
                    tell_end(app, end);
                }
                told = true;
            }
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, job = job.0, "a job cannot go on; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
    if let Err(error) = app.store.write_own(ReleaseJob { job, node: app.node, now: app.clock.now() }).await {
        tracing::warn!(%error, job = job.0, "a job stays claimed until its time is over");
    }
}

/// One chunk; what it said is pushed in the order of the commits.
async fn advance(app: &App, job: JobKey, told: bool) -> Result<Advanced, Error> {
    let now = app.clock.now();
    let messages = [(); 2].map(|()| MessageId::from_bytes(app.entropy.uuid_v7(now)));
    let chunk = Advance { job, chunk: Advance::CHUNK, claim: claim(app), told, messages };
    let shared = app.clone();
    let tell = move |outcome: &Result<Advanced, Error>| {
        for posted in outcome.iter().flat_map(|advanced| &advanced.posted) {
            publish_posted(&shared, posted);
        }
    };
    app.store.write_own_then(chunk, tell).await
}

/// Tells former members that their group is gone, each behind the group's last message.
fn tell_end(app: &App, end: GroupEnd) {
    let Some(text) = frame_text(&ServerFrame::GroupDeleted(end.info)) else { return };
    let event = Event { text: text.into(), droppable: false };
    for (agent, position) in end.to {
        app.hub.event_behind(agent, position, &event);
    }
}

fn claim(app: &App) -> Claim {
    let lease_ms = i64::try_from(app.config.timing.hold_jobs.as_millis()).unwrap_or(i64::MAX);
    Claim { node: app.node, now: app.clock.now(), lease_ms: if app.is_shared() { lease_ms } else { ALONE } }
}
