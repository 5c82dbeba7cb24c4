//! Forgets what is over: stored token buckets that are full again, answers whose day has passed, leases and claims,
//! finished calls of webhooks, slots that stayed empty, objects that nothing refers to.

use std::time::Duration;

use agentchat_core::Error;
use agentchat_core::attachments::{ForgetObject, ObjectsDue, PurgeSlots, TakeObject};
use agentchat_core::idempotency::PurgeAnswers;
use agentchat_core::limits::PurgeTokens;
use agentchat_core::replies::{Fleeting, PurgeFleeting};
use agentchat_core::webhooks::deliver::PurgeCalls;
use agentchat_store::Write;

use crate::app::App;

/// Every node does it; it is a look into an index when there is nothing to forget.
const EVERY: Duration = Duration::from_secs(300);
/// Rows of one transaction.
const CHUNK: u64 = 500;

/// Works until the server shuts down.
pub(crate) async fn purge(app: App) {
    loop {
        tokio::select! {
            () = app.hub.stopping().cancelled() => return,
            () = tokio::time::sleep(EVERY) => round(&app).await,
        }
    }
}

async fn round(app: &App) {
    let most = CHUNK as i64;
    in_chunks(app, || PurgeTokens { now: app.clock.now(), most }).await;
    in_chunks(app, || PurgeAnswers { now: app.clock.now(), most }).await;
    for what in Fleeting::ALL {
        in_chunks(app, || PurgeFleeting { what, now: app.clock.now(), most }).await;
    }
    in_chunks(app, || PurgeCalls { now: app.clock.now(), most }).await;
    in_chunks(app, || PurgeSlots { now: app.clock.now(), most }).await;
    delete_objects(app).await;
}

async fn in_chunks<W: Write<Out = u64, Error = Error>>(app: &App, chunk: impl Fn() -> W) {
    while !app.is_draining() {
        match app.store.write_own(chunk()).await {
            Ok(CHUNK) => {}
            Ok(_) => return,
            Err(error) => return tracing::warn!(%error, "what is over is not forgotten yet"),
        }
    }
}

/// Deletes objects that nothing refers to, one by one: the object store is asked between two transactions.
async fn delete_objects(app: &App) {
    while !app.is_draining() {
        let due = match app.store.read(ObjectsDue { now: app.clock.now(), most: CHUNK as i64 }).await {
            Ok(due) if due.is_empty() => return,
            Ok(due) => due,
            Err(error) => return tracing::warn!(%error, "what objects are to be deleted is not known"),
        };
        for name in due {
            if let Err(error) = delete_object(app, &name).await {
                return tracing::warn!(%error, name, "an object is not deleted yet");
            }
        }
    }
}

async fn delete_object(app: &App, name: &str) -> crate::error::Result<()> {
    if app.store.write_own(TakeObject { name: name.to_owned(), now: app.clock.now() }).await? {
        app.files.objects.delete(name).await.map_err(crate::error::AppError::internal)?;
        app.store.write_own(ForgetObject { name: name.to_owned() }).await?;
    }
    Ok(())
}
