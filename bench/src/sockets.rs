//! Idle sockets: how much memory the server keeps for each.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::direct::sender::hello;
use crate::process::{Machine, Server, ServerChoice, Usage};
use crate::report::{self, Report, table};
use crate::setup::{self, Agent};
use crate::wire::websocket::{Inbound, WebSocket};

/// The contract allows 50 sockets of one agent.
const PER_AGENT: usize = 50;

/// Arguments of `sockets`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerChoice,
    /// Numbers of sockets, ascending
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000")]
    counts: Vec<usize>,
    /// Seconds of rest before the memory is read
    #[arg(long, default_value_t = 3.0)]
    rest: f64,
    #[command(flatten)]
    output: report::Output,
}

/// Memory at one number of sockets.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Open sockets, all of them authenticated by HELLO.
    pub sockets: usize,
    /// Server's resident memory in KiB.
    pub rss_kib: u64,
    /// Per socket beyond the first measurement, in KiB.
    pub kib_per_socket: Option<f64>,
    /// Seconds it took to open the further sockets.
    pub opened_in: f64,
}

/// Measures and reports.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    raise_descriptor_limit();
    let server = arguments.server.open()?;
    let outcomes = crate::direct::runtime(1)?.block_on(measure(&server, arguments))?;
    let report = Report::new("sockets", Machine::inspect(&arguments.server.parent_folder()), &outcomes);
    arguments.output.write(&report, &rows(&outcomes), String::new)?;
    server.stop()?;
    Ok(())
}

/// As many descriptors as this process may have; the server inherits them.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if setrlimit(Resource::Nofile, most).is_err() {
        report::talk("the limit of open files could not be raised");
    }
}

async fn measure(server: &Server, arguments: &Arguments) -> anyhow::Result<Vec<Outcome>> {
    let pid = server.pid.context("the server's process id is not known; give --server-pid")?;
    let most = arguments.counts.iter().copied().max().unwrap_or(0);
    let agents = setup::seed(&server.service(), "idle", most.div_ceil(PER_AGENT)).await?;
    let mut keepers = JoinSet::new();
    let mut outcomes: Vec<Outcome> = Vec::new();
    for &count in &arguments.counts {
        let started = tokio::time::Instant::now();
        open(server, &agents, &mut keepers, count).await?;
        let opened_in = started.elapsed().as_secs_f64();
        tokio::time::sleep(Duration::from_secs_f64(arguments.rest)).await;
        let rss_kib = Usage::of(pid)?.rss_kib;
        outcomes.push(Outcome {
            sockets: count,
            rss_kib,
            kib_per_socket: per_socket(outcomes.first(), count, rss_kib),
            opened_in,
        });
        report::talk(&format!("{count} sockets: {rss_kib} KiB"));
        if let Some(ended) = keepers.try_join_next() {
            ended?.context("an idle socket")?;
        }
    }
    Ok(outcomes)
}

fn per_socket(first: Option<&Outcome>, count: usize, rss_kib: u64) -> Option<f64> {
    let first = first?;
    let further = count.checked_sub(first.sockets).filter(|&further| further > 0)?;
    Some((rss_kib as f64 - first.rss_kib as f64) / further as f64)
}

async fn open(
    server: &Server,
    agents: &[Agent],
    keepers: &mut JoinSet<anyhow::Result<()>>,
    count: usize,
) -> anyhow::Result<()> {
    let address = server.address;
    let indices = (keepers.len()..count).map(|index| agents[index / PER_AGENT].clone()).collect();
    let sockets = setup::all(indices, |agent: Agent| async move {
        hello(address, &agent.key, r#"["ack"]"#).await.with_context(|| format!("a socket of {}", agent.handle))
    })
    .await?;
    for socket in sockets {
        keepers.spawn(keep(socket));
    }
    Ok(())
}

/// Answers the heartbeat; ends only with an error.
async fn keep(mut socket: WebSocket) -> anyhow::Result<()> {
    loop {
        if let Inbound::Close { code } = socket.next().await? {
            anyhow::bail!("closed by the server with {code}");
        }
    }
}

fn rows(outcomes: &[Outcome]) -> String {
    let row = |outcome: &Outcome| {
        let per_socket = outcome.kib_per_socket.map_or_else(|| "–".to_owned(), |kib| format!("{kib:.2}"));
        vec![outcome.sockets.to_string(), outcome.rss_kib.to_string(), per_socket, format!("{:.1}", outcome.opened_in)]
    };
    let rows: Vec<Vec<String>> = outcomes.iter().map(row).collect();
    table::markdown(&["sockets", "RSS KiB", "KiB per further socket", "opened in s"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_further_sockets_are_counted() {
        let first = Outcome { sockets: 100, rss_kib: 10_000, kib_per_socket: None, opened_in: 0.0 };
        assert_eq!(per_socket(Some(&first), 1_100, 15_000), Some(5.0));
        assert_eq!(per_socket(Some(&first), 100, 15_000), None);
        assert_eq!(per_socket(None, 100, 1), None);
    }
}
