//! Empties messages that are older than `retention_days` (extensions.md X8), between the requests of others: once an
//! hour, by one node, a page after the other. A crash in between repeats a page, which finds nothing to do in it.

use agentchat_core::Error;
use agentchat_core::jobs::Claim;
use agentchat_core::retention::{AdvanceRun, ClaimRun, Emptied, EmptyMessages, EndRun, LookForOld, Looked};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::MessageKey;
use futures_util::{StreamExt, TryStreamExt, stream};
use metrics::counter;

use crate::app::App;

/// From the end of a run to the next.
const REST_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// Messages looked at in one go: with 256 recipients each that is 50,000 looks into an index.
const PAGE: i64 = 200;
/// Rows of one transaction.
const ROWS: i64 = 500;
/// Transactions at once.
const AT_ONCE: usize = 8;
/// A node that is alone holds nothing against its next start.
const ALONE: i64 = -1;

/// Works until the server shuts down; does nothing where messages are kept for ever.
pub(crate) async fn retain(app: App) {
    if app.limits.retention_days == 0 {
        return;
    }
    loop {
        tokio::select! {
            biased;
            () = app.hub.stopping().cancelled() => return,
            () = tokio::time::sleep(app.config.timing.seek_retention) => {}
        }
        if let Err(error) = run_if_due(&app).await {
            tracing::warn!(%error, "old messages stay a little longer");
        }
    }
}

async fn run_if_due(app: &App) -> Result<(), Error> {
    let Some(through) = app.store.write_own(ClaimRun(claim(app))).await? else { return Ok(()) };
    let now = app.clock.now();
    let days = i64::try_from(app.limits.retention_days).unwrap_or(i64::MAX);
    let before = Timestamp::from_millis(now.as_millis().saturating_sub(days.saturating_mul(DAY_MS)));
    let first = LookForOld { after: MessageKey(0), before, again: true, limit: PAGE, rows: ROWS };
    let then = LookForOld { after: through, again: false, ..first };
    if walk(app, first).await? && walk(app, then).await? {
        let now = app.clock.now();
        let next_at = now.plus_millis(REST_MS);
        app.store.write_own(EndRun { node: app.node, now, next_at }).await?;
    }
    Ok(())
}

/// Page after page; false when the run is to be given up, since the server shuts down or another node has it.
async fn walk(app: &App, mut look: LookForOld) -> Result<bool, Error> {
    loop {
        let Looked { parts, waiting, through } = app.store.read(look).await?;
        let Some(through) = through else { return Ok(true) };
        let messages = parts.iter().flat_map(|part| part.messages.iter().copied()).collect::<Vec<_>>();
        if !messages.is_empty() {
            app.store.unindex(messages).await?;
        }
        let now = app.clock.now();
        stream::iter(parts)
            .map(|part| app.store.write_own(EmptyMessages { part, now }))
            .buffer_unordered(AT_ONCE)
            .try_for_each(async |emptied| {
                count(emptied);
                Ok(())
            })
            .await?;
        let draining = app.is_draining();
        let mut claim = claim(app);
        if draining {
            // Free for the other nodes.
            claim.lease_ms = ALONE;
        }
        let reached = if look.again { MessageKey(0) } else { through };
        if !app.store.write_own(AdvanceRun { claim, through: reached, waiting }).await? || draining {
            return Ok(false);
        }
        look.after = through;
    }
}

fn count(Emptied { messages, attachments }: Emptied) {
    counter!("agentchat_retention_messages_total").increment(messages.unsigned_abs());
    counter!("agentchat_retention_attachments_total").increment(attachments.unsigned_abs());
}

fn claim(app: &App) -> Claim {
    let lease_ms = i64::try_from(app.config.timing.hold_jobs.as_millis()).unwrap_or(i64::MAX);
    Claim { node: app.node, now: app.clock.now(), lease_ms: if app.is_shared() { lease_ms } else { ALONE } }
}
