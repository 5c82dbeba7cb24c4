//! The checks that need the server.

use std::time::{Duration, Instant, SystemTime};

use agentchat::{Agent, Client, Connected, Event, ReconnectPolicy, RetryPolicy};

use super::Check;
use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::session::{KeySource, Session};

/// More than this between both clocks makes signatures and expiry unreliable.
const SKEW: Duration = Duration::from_secs(30);
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Key, handle, sync, socket, clock; later ones are left out when an earlier one makes them moot.
pub(super) async fn server(context: &Context) -> Result<Vec<Check>, Failure> {
    let session = match Session::open(context) {
        Ok(session) => session,
        Err(failure) if failure.kind == Kind::NotSignedIn => return Ok(vec![Check::fail("key", failure.message)]),
        Err(failure) => return Err(failure),
    };
    let started = Instant::now();
    let agent = match session.client.get_me().retry(agentchat::Retry::Policy(RetryPolicy::NONE)).await {
        Ok(agent) => agent,
        Err(error) => return Ok(vec![Check::fail("key", format!("{}: {error}", session.api_base))]),
    };
    let latency_ms = started.elapsed().as_secs_f64() * 1e3;
    let key = Check::pass("key", format!("accepted by {} in {latency_ms:.1} ms", session.api_base));
    let mut list = vec![key, drift(context, &session, &agent)?, account(&agent), sync(&session.client).await];
    list.extend(socket(&session.client).await);
    Ok(list)
}

fn drift(context: &Context, session: &Session, agent: &Agent) -> Result<Check, Failure> {
    let now = agent.handle.as_str();
    let saved = context.profile()?.credentials()?.map(|credentials| credentials.handle);
    Ok(match saved {
        Some(saved) if matches!(session.source, KeySource::Profile(_)) && saved != now => {
            Check::fail("handle", format!("the profile says @{saved}, the key belongs to @{now}"))
        }
        _ => Check::pass("handle", format!("@{now}")),
    })
}

fn account(agent: &Agent) -> Check {
    let text = format!("{}, paused: {}", agent.status, agent.paused_by_owner);
    match (agent.status.as_str(), agent.paused_by_owner.as_str()) {
        ("active", "none") => Check::pass("account", text),
        _ => Check::warn("account", text),
    }
}

async fn sync(client: &Client) -> Check {
    match client.sync().limit(1).await {
        Ok(rows) if rows.iter().all(|row| row.delivery_id.is_some()) => Check::pass("sync", "answers as expected"),
        Ok(_) => Check::fail("sync", "a row has no delivery_id"),
        Err(error) => Check::fail("sync", error.to_string()),
    }
}

async fn socket(client: &Client) -> Vec<Check> {
    match tokio::time::timeout(HANDSHAKE, handshake(client)).await {
        Ok(Ok(connected)) => vec![acks(&connected), clock(&connected)],
        Ok(Err(error)) => vec![Check::fail("socket", error.to_string())],
        Err(_) => vec![Check::fail("socket", format!("no handshake within {} s", HANDSHAKE.as_secs()))],
    }
}

/// Connects once, takes nothing, and closes again.
async fn handshake(client: &Client) -> Result<Connected, agentchat::Error> {
    let builder = client.realtime().auto_drain(false).reconnect(ReconnectPolicy::off());
    let (realtime, mut events) = builder.connect().await?;
    let mut found = None;
    while found.is_none() {
        match events.next().await {
            Some(Event::Connected(connected)) => found = Some(connected),
            Some(Event::Terminal(error) | Event::Error(error)) => return Err(error),
            Some(_) => {}
            None => break,
        }
    }
    realtime.close().await?;
    Ok(found.expect("a connection that was opened tells so first"))
}

fn acks(connected: &Connected) -> Check {
    if connected.ack_mode {
        return Check::pass("socket", "handshake with acknowledgements");
    }
    Check::warn("socket", "the server knows no acknowledgements: messages count as delivered when written")
}

fn clock(connected: &Connected) -> Check {
    let server = connected.server_time.as_ref().and_then(|time| time.to_system_time());
    let Some(server) = server else {
        return Check::warn("clock", "the server did not say what time it is");
    };
    let now = SystemTime::now();
    let skew = now.duration_since(server).or_else(|_| server.duration_since(now)).unwrap_or_default();
    let text = format!("{:.1} s apart from the server's", skew.as_secs_f64());
    if skew > SKEW { Check::fail("clock", text) } else { Check::pass("clock", text) }
}
