//! Calls to webhooks: how many a second, and how long a queue takes after its receiver was away.
//!
//! Agents with a webhook each are written to, first as fast as the senders can, then, while nobody answers the calls, at
//! a steady pace. Every message has to arrive; those that arrive twice are counted.

mod load;
mod sink;

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use crate::direct::runtime;
use crate::process::{Machine, ServerChoice};
use crate::report::{self, Report, table};

/// Arguments of `webhooks`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerChoice,
    /// Agents with a webhook; each is written to by a sender of its own
    #[arg(long, default_value_t = 16)]
    agents: usize,
    /// Messages sent at full speed, in all
    #[arg(long, default_value_t = 20_000)]
    messages: usize,
    /// Seconds for which nobody answers the calls; 0 leaves the outage out
    #[arg(long, default_value_t = 60.0)]
    outage: f64,
    /// Messages a second during the outage
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Seconds within which a queue has to be empty
    #[arg(long, default_value_t = 900.0)]
    patience: f64,
    /// Bytes of a message's text
    #[arg(long, default_value_t = 200)]
    text_bytes: usize,
    /// Runs, each on a fresh server
    #[arg(long, default_value_t = 1)]
    runs: usize,
    #[command(flatten)]
    output: report::Output,
}

/// The figures of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Agents with a webhook.
    pub agents: usize,
    /// Messages sent at full speed, and how many of them a second.
    pub messages: usize,
    /// Of these.
    pub sent_per_second: f64,
    /// From the first of them sent to the last one's call.
    pub deliveries_per_second: f64,
    /// What the server's processor did for each of them, sending included.
    pub server_cpu_us: Option<f64>,
    /// The time without a receiver, if there was one.
    pub outage: Option<Outage>,
    /// Messages that never came.
    pub lost: usize,
    /// Calls about messages that had come before.
    pub duplicates: u64,
    /// Messages that still wait although their call was answered well.
    pub unsettled: u64,
}

/// What a time without a receiver came to.
#[derive(Clone, Debug, Serialize)]
pub struct Outage {
    /// How long nobody answered.
    pub seconds: f64,
    /// Messages sent meanwhile.
    pub messages: usize,
    /// From the receiver's return to the next call: the circuit lets nobody through before.
    pub first_call_s: f64,
    /// From that call until every message had come.
    pub catch_up_s: f64,
}

/// Measures and reports.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut outcomes = Vec::new();
    for _ in 0..arguments.runs.max(1) {
        let server = arguments.server.launch()?.flags(["--webhook-allow-private".to_owned()]).start()?;
        let outcome = runtime(1)?.block_on(load::play(arguments, &server.service()))?;
        report::talk(&format!("{:.0} deliveries a second", outcome.deliveries_per_second));
        outcomes.push(outcome);
        server.stop()?;
    }
    let report = Report::new("webhooks", Machine::inspect(&arguments.server.parent_folder()), &outcomes);
    arguments.output.write(&report, &rows(&outcomes), String::new)?;
    if outcomes.iter().any(|outcome| outcome.lost > 0 || outcome.unsettled > 0) {
        bail!("messages did not come, or were not settled by their calls");
    }
    Ok(())
}

impl Arguments {
    fn outage(&self) -> Option<Duration> {
        (self.outage > 0.0).then(|| Duration::from_secs_f64(self.outage))
    }

    fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.patience.max(0.0))
    }
}

fn rows(outcomes: &[Outcome]) -> String {
    let row = |outcome: &Outcome| {
        let outage = |show: fn(&Outage) -> String| outcome.outage.as_ref().map_or_else(|| "–".to_owned(), show);
        vec![
            format!("{} messages to {} agents", outcome.messages, outcome.agents),
            format!("{:.0}", outcome.sent_per_second),
            format!("{:.0}", outcome.deliveries_per_second),
            outcome.server_cpu_us.map_or_else(|| "–".to_owned(), |cpu| format!("{cpu:.0}")),
            outage(|outage| format!("{:.0} s, {} messages", outage.seconds, outage.messages)),
            outage(|outage| format!("{:.1}", outage.first_call_s)),
            outage(|outage| format!("{:.1}", outage.catch_up_s)),
            format!("{}/{}/{}", outcome.lost, outcome.duplicates, outcome.unsettled),
        ]
    };
    let heading = [
        "run",
        "sent/s",
        "deliveries/s",
        "server µs/message",
        "outage",
        "next call after s",
        "caught up in s",
        "lost/dup/unsettled",
    ];
    table::markdown(&heading, &outcomes.iter().map(row).collect::<Vec<_>>())
}
