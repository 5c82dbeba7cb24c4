//! Killing parts of an installation and starting them again, while the traffic goes on.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

use super::installation::Installation;
use super::traffic::Pace;
use crate::direct::window::Clock;
use crate::report;
use crate::setup::Caller;

/// How long an installation may take to be whole again.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long a node may take to say whether it is ready.
const ANSWER: Duration = Duration::from_secs(5);

/// What can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// A node
    Node,
    /// The nats-server
    Nats,
    /// PostgreSQL
    Postgres,
}

/// A part, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Node(usize),
    Nats,
    Postgres,
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(number) => write!(out, "node {number}"),
            Self::Nats => out.write_str("NATS"),
            Self::Postgres => out.write_str("PostgreSQL"),
        }
    }
}

/// Each `node` is the next one.
pub(crate) fn targets(parts: &[Part], nodes: usize) -> Vec<Target> {
    let mut next = (0..nodes).cycle();
    let target = |part: &Part| match part {
        Part::Node => Target::Node(next.next().unwrap_or(0)),
        Part::Nats => Target::Nats,
        Part::Postgres => Target::Postgres,
    };
    parts.iter().map(target).collect()
}

/// One that is over.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outage {
    /// What was killed.
    pub part: String,
    /// When, in seconds since the traffic began.
    pub at: f64,
    /// Milliseconds until it was started again.
    pub away_ms: f64,
    /// Milliseconds from then until every node was ready and heard the bus.
    pub back_ms: f64,
}

/// Works the schedule off, evenly spread over the traffic's time.
pub(crate) async fn run(
    installation: Arc<Installation>,
    targets: Vec<Target>,
    pace: Pace,
    clock: Clock,
    away: Duration,
) -> anyhow::Result<Vec<Outage>> {
    let mut outages = Vec::new();
    let count = targets.len();
    for (number, target) in targets.into_iter().enumerate() {
        let moment = pace.moment((number + 1) as f64 / (count + 1) as f64);
        sleep(Duration::from_nanos(moment.saturating_sub(clock.nanos()))).await;
        let at = pace.seconds_since_start(clock.nanos());
        let outage =
            suffer(&installation, target, at, away).await.with_context(|| format!("after {target} was killed"))?;
        report::talk(&format!(
            "{at:.1} s: {target} was away for {:.0} ms, all well {:.0} ms later",
            outage.away_ms, outage.back_ms
        ));
        outages.push(outage);
    }
    Ok(outages)
}

async fn suffer(installation: &Arc<Installation>, target: Target, at: f64, away: Duration) -> anyhow::Result<Outage> {
    let killed = Instant::now();
    let killing = installation.clone();
    spawn_blocking(move || killing.kill(target)).await??;
    sleep(away).await;
    let started = Instant::now();
    let starting = installation.clone();
    spawn_blocking(move || starting.start_again(target)).await??;
    let service = installation.service();
    for &address in &service.addresses {
        wait_for(address, service.addresses.len() > 1).await?;
    }
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
    Ok(Outage {
        part: target.to_string(),
        at,
        away_ms: milliseconds(started - killed),
        back_ms: milliseconds(started.elapsed()),
    })
}

/// Waits until a node takes requests, and hears the bus if there is one.
async fn wait_for(node: SocketAddr, bus: bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = timeout(ANSWER, readiness(node)).await;
        if let Ok(Ok((200, body))) = &answer
            && (!bus || body["checks"]["bus"] == "ok")
        {
            return Ok(());
        }
        if Instant::now() > deadline {
            anyhow::bail!("the node at {node} did not come back within {PATIENCE:?}: {answer:?}");
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn readiness(node: SocketAddr) -> anyhow::Result<(u16, Value)> {
    Caller::open(node).await?.answer("GET", "/v1/ready", "", &Value::Null).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_take_turns() {
        let parts = [Part::Node, Part::Nats, Part::Node, Part::Node, Part::Postgres];
        let expected = [Target::Node(0), Target::Nats, Target::Node(1), Target::Node(0), Target::Postgres];
        assert_eq!(targets(&parts, 2), expected);
    }
}
