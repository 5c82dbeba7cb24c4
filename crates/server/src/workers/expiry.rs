//! Takes messages whose time has passed out of their queues, at most a few seconds late. Nobody can tell: whoever reads
//! a queue passes over them already.

use std::time::Duration;

use agentchat_core::messages::{Expire, FindOverdue};

use crate::app::App;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(4);
/// Messages looked at in one go.
const CHUNK: i64 = 500;

/// Works until the server shuts down.
pub(crate) async fn work(app: App) {
    loop {
        tokio::select! {
            biased;
            () = app.hub.stopping().cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        while !app.is_draining() {
            match expire_some(&app).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "messages whose time has passed stay counted a little longer");
                    break;
                }
            }
        }
    }
}

async fn expire_some(app: &App) -> Result<u64, agentchat_core::Error> {
    let now = app.clock.now();
    let mut expired = 0;
    for agent in app.store.read(FindOverdue { limit: CHUNK, now }).await? {
        expired += app.store.write_own(Expire { agent, now }).await?;
    }
    Ok(expired)
}
