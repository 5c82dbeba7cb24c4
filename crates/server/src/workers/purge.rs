//! Forgets shared token buckets that are full again, now and then.

use std::time::Duration;

use agentchat_core::limits::PurgeTokens;

use crate::app::App;

/// Every node does it; it is a look into an index when there is nothing to forget.
const EVERY: Duration = Duration::from_secs(300);
/// Rows of one transaction.
const CHUNK: u64 = 500;

/// Works until the server shuts down; at once when its limits are its own.
pub(crate) async fn purge_tokens(app: App) {
    if !app.is_shared() {
        return;
    }
    loop {
        tokio::select! {
            () = app.hub.stopping().cancelled() => return,
            () = tokio::time::sleep(EVERY) => purge(&app).await,
        }
    }
}

async fn purge(app: &App) {
    while !app.is_draining() {
        match app.store.write_own(PurgeTokens { now: app.clock.now(), most: CHUNK as i64 }).await {
            Ok(CHUNK) => {}
            Ok(_) => return,
            Err(error) => return tracing::warn!(%error, "full token buckets are not forgotten yet"),
        }
    }
}
