//! `@chatfather`, the system agent of a server (wire.md §19): made at the first start, answers in process.
//!
//! Its inbox is its queue. It waits at the hub like any held request, so it costs a send nothing, hears what other nodes
//! store, and finds after a crash whatever it had not answered. Every node answers; what one has answered is settled in
//! the same transaction, so the others find nothing.

mod desk;
mod welcome;

use std::sync::Arc;

use agentchat_core::accounts::Caller;
use agentchat_core::support::{Facts, FoundDesk};
use agentchat_protocol::id::AgentId;
pub(crate) use welcome::welcome;

use crate::app::App;
use crate::limits::Policy;

/// The system agent of a running server.
#[derive(Debug)]
pub(crate) struct Desk {
    caller: Arc<Caller>,
    facts: Arc<Facts>,
}

/// Finds or makes the system agent, and lets it work until the server shuts down.
pub(crate) async fn open(app: &App) -> Result<(), agentchat_core::Error> {
    let now = app.clock.now();
    let id = AgentId::from_bytes(app.entropy.uuid_v7(now));
    let Some(caller) = app.store.write(FoundDesk { id, now }).await? else {
        tracing::error!("@chatfather is an ordinary account here, so there is no system agent");
        return Ok(());
    };
    let desk = Arc::new(Desk { caller: Arc::new(caller), facts: Arc::new(facts(app)) });
    if app.desk.set(Arc::clone(&desk)).is_ok() {
        app.spawn(desk::work(app.clone(), desk));
    }
    Ok(())
}

fn facts(app: &App) -> Facts {
    let send_rate = match app.limits.rate(Policy::Send) {
        None => "as fast as you like".to_owned(),
        Some(rate) if rate.window_s == 1 => format!("{} messages per second", rate.limit),
        Some(rate) => format!("{} messages per {} seconds", rate.limit, rate.window_s),
    };
    let base_url = app.config.public_url.clone().unwrap_or_default();
    Facts { base_url, send_rate, cold_cap: app.limits.cold_cap }
}
