//! Keeps the index of words behind the messages, a moment late.
//!
//! Sends have no part in it: several times a second a counter of commits is looked at, and what came is taken in. Where
//! so much is sent that batches are full one after the other, the index takes a small share of the time and falls
//! behind; it catches up as soon as fewer are sent.

use std::time::{Duration, Instant};

use agentchat_store::search::Indexed;

use crate::app::App;

/// How often it is looked; a message can be found by then, and a little later.
const EVERY: Duration = Duration::from_millis(100);
/// How often it is looked for what other nodes left.
const OTHERS: u32 = 50;
/// Commits a second from which on the store is busy: sends come first.
const BUSY: f64 = 150.0;
/// While the store is busy: pause after a full batch, in times of what the batch took.
const REST: u32 = 9;
/// Pause after the store could not be read or written.
const RETRY: Duration = Duration::from_secs(1);

/// Works until the server shuts down.
pub(crate) async fn index(app: App) {
    let mut pace = Pace { commits: 0, since: Instant::now(), busy: false };
    let mut looks = 0_u32;
    loop {
        let seen = pace.commits;
        pace.look(app.store.stats().commits);
        if looks == 0 || pace.commits != seen {
            take_in(&app, &mut pace).await;
        }
        looks = if app.is_shared() { (looks + 1) % OTHERS } else { 1 };
        if !pause(&app, EVERY).await {
            return;
        }
    }
}

/// Takes in what there is.
async fn take_in(app: &App, pace: &mut Pace) {
    while !app.is_draining() {
        let began = Instant::now();
        let rest = match app.store.index_some().await {
            Ok(Indexed { more: false, .. }) => return,
            Ok(_) => pace.rest(began.elapsed()),
            Err(error) => {
                tracing::warn!(%error, "messages cannot be found yet; trying again");
                RETRY
            }
        };
        if !pause(app, rest).await {
            return;
        }
        pace.look(app.store.stats().commits);
    }
}

/// False at the shutdown.
async fn pause(app: &App, time: Duration) -> bool {
    tokio::select! {
        biased;
        () = app.hub.stopping().cancelled() => false,
        () = tokio::time::sleep(time) => true,
    }
}

/// How busy the store is.
struct Pace {
    commits: u64,
    since: Instant,
    busy: bool,
}

impl Pace {
    fn look(&mut self, commits: u64) {
        let elapsed = self.since.elapsed();
        if elapsed >= EVERY / 2 {
            self.busy = commits.saturating_sub(self.commits) as f64 / elapsed.as_secs_f64() > BUSY;
            (self.commits, self.since) = (commits, Instant::now());
        }
    }

    fn rest(&self, work: Duration) -> Duration {
        if self.busy { work * REST } else { Duration::ZERO }
    }
}
