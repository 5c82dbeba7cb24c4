//! Clears what deleted accounts leave behind, in chunks, between the requests of others.

use std::time::Duration;

use agentchat_core::agents::{ClearDeleted, UnfinishedJobs};
use agentchat_store::key::JobKey;

use crate::app::App;

/// Pause after the store could not write.
const RETRY: Duration = Duration::from_millis(500);

/// Takes up every job that the last run of the server did not finish.
pub(crate) async fn resume_jobs(app: App) {
    match app.store.read(UnfinishedJobs).await {
        Ok(jobs) => {
            for job in jobs {
                clear_deleted(app.clone(), job).await;
            }
        }
        Err(error) => tracing::error!(%error, "unfinished jobs cannot be read; they wait for the next start"),
    }
}

/// Runs one job to its end. A shutdown leaves the rest to the next start; nobody can tell the difference.
pub(crate) async fn clear_deleted(app: App, job: JobKey) {
    let chunk = ClearDeleted { job, chunk: ClearDeleted::CHUNK };
    while !app.is_draining() {
        match app.store.write_own(chunk).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, job = job.0, "a job cannot go on; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
