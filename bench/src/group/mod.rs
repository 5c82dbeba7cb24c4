//! Closed-loop sends to one group: every member but the sender listens on an acknowledging socket, and every delivery is
//! checked. The sender speaks over several connections, one send outstanding on each.

mod cast;

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;

use self::cast::Cast;
use crate::direct::endpoint::{AnyLine, AnyReceiver};
use crate::direct::ledger::Faults;
use crate::direct::outcome::Latency;
use crate::direct::receiver::{self, Books, Shared};
use crate::direct::scenario::{self, Edges, unsettled};
use crate::direct::sender::{Tally, Task};
use crate::direct::window::{Clock, Window};
use crate::direct::{Driver, Load, Transport, runtime};
use crate::process::{Machine, ServerChoice, Service};
use crate::report::{self, Report, table};
use crate::setup;

/// Arguments of `group`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerChoice,
    #[command(flatten)]
    load: Load,
    /// Members that listen
    #[arg(long, default_value_t = 255)]
    members: usize,
    /// Connections of the sender, one run for each number
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    lines: Vec<usize>,
    /// Runs of each, each on a fresh server
    #[arg(long, default_value_t = 1)]
    runs: usize,
    #[command(flatten)]
    output: report::Output,
}

/// The figures of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Members that listen.
    pub members: usize,
    /// Connections of the sender, each with one send outstanding.
    pub lines: usize,
    /// Sends answered within the window.
    pub messages: u64,
    /// The same per second.
    pub messages_per_second: f64,
    /// Messages of the window that a member was handed, per second of it.
    pub deliveries_per_second: f64,
    /// Send to answer.
    pub answer_us: Latency,
    /// Send to delivery.
    pub delivery_us: Latency,
    /// Server's CPU time a delivery, in microseconds.
    pub server_cpu_us: Option<f64>,
    /// Generator's CPU time a delivery, in microseconds.
    pub generator_cpu_us: f64,
    /// Lost, duplicated, reordered.
    #[serde(flatten)]
    pub faults: Faults,
    /// Sends answered with an error.
    pub refused: u64,
    /// Deliveries that were still unsettled at the end.
    pub unsettled: u64,
}

/// Measures every number of connections and reports.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for &lines in &arguments.lines {
        for _ in 0..arguments.runs.max(1) {
            let server = arguments.server.open()?;
            let outcome = runtime(arguments.load.threads)?.block_on(play(arguments, &server.service(), lines))?;
            let (rate, each) = (outcome.messages_per_second, outcome.deliveries_per_second);
            report::talk(&format!("{lines} connections: {rate:.0} messages/s, {each:.0} deliveries/s"));
            outcomes.push(outcome);
            server.stop()?;
        }
    }
    let report = Report::new("group", Machine::inspect(&arguments.server.parent_folder()), &outcomes);
    arguments.output.write(&report, &rows(&outcomes), String::new)?;
    let clean =
        |outcome: &&Outcome| outcome.faults == Faults::default() && outcome.refused == 0 && outcome.unsettled == 0;
    if let Some(outcome) = outcomes.iter().find(|outcome| !clean(outcome)) {
        let Outcome { faults, refused, unsettled, .. } = outcome;
        bail!("the books do not balance: {faults:?}, {refused} refused, {unsettled} unsettled");
    }
    Ok(())
}

async fn play(arguments: &Arguments, service: &Service, lines: usize) -> anyhow::Result<Outcome> {
    let cast = Cast::of(service, arguments.members).await?;
    let clock = Clock::start();
    let connections = connect(arguments, service, &cast, lines).await?;
    let places = cast.members.iter().cloned().map(|agent| (service.address(0), agent)).collect();
    let sockets = setup::all(places, |(address, agent)| AnyReceiver::open(address, agent, Driver::Lean)).await?;
    let (warmup, length) = (arguments.load.warmup, arguments.load.seconds);
    let window = Window::after(clock.nanos(), Duration::from_secs_f64(warmup), Duration::from_secs_f64(length));
    let edges = tokio::spawn(scenario::watch(service.clone(), clock, window));
    let mut members = JoinSet::new();
    let mut all = Vec::new();
    for socket in sockets {
        let books = Books::of_group(cast.last_seq, lines);
        members.spawn(socket.run(books.clone(), usize::MAX, clock, window));
        all.push(books);
    }
    let tallies = scenario::send(connections, clock, window).await?;
    scenario::finish(members).await?;
    let edges = edges.await??;
    let unsettled = unsettled(service, &cast.members).await?;
    Ok(outcome(&tallies, &all, &edges, window, unsettled))
}

async fn connect(arguments: &Arguments, service: &Service, cast: &Cast, lines: usize) -> anyhow::Result<Vec<AnyLine>> {
    let task = |pair| Task {
        address: service.address(0),
        pair,
        sender: cast.sender.clone(),
        to: cast.group.clone(),
        text_bytes: arguments.load.text_bytes,
    };
    let tasks = (0..lines).map(task).collect();
    setup::all(tasks, |task| AnyLine::open(task, Driver::Lean, Transport::Http)).await
}

fn outcome(tallies: &[Tally], books: &[Shared], edges: &Edges, window: Window, unsettled: u64) -> Outcome {
    let messages: u64 = tallies.iter().flat_map(|tally| &tally.buckets).map(|&count| u64::from(count)).sum();
    let last_seq = tallies.iter().map(|tally| tally.last_seq).max().unwrap_or(0);
    let mut faults = Faults::default();
    for book in books {
        faults += receiver::lock(book).ledgers[0].close(last_seq);
    }
    let delivered = scenario::deliveries(books);
    let deliveries = delivered.len() as f64;
    let each = |cpu: Duration| cpu.as_micros() as f64 / deliveries.max(1.0);
    let servers = edges.service.0.servers.zip(edges.service.1.servers);
    Outcome {
        members: books.len(),
        lines: tallies.len(),
        messages,
        messages_per_second: messages as f64 / window.seconds(),
        deliveries_per_second: deliveries / window.seconds(),
        answer_us: Latency::of(tallies.iter().flat_map(|tally| tally.answers_us.clone()).collect()),
        delivery_us: Latency::of(delivered),
        server_cpu_us: servers.map(|(from, to)| each(to.cpu_since(&from))),
        generator_cpu_us: each(edges.generator.1.cpu_since(&edges.generator.0)),
        faults,
        refused: tallies.iter().map(|tally| tally.refused).sum(),
        unsettled,
    }
}

fn rows(outcomes: &[Outcome]) -> String {
    let row = |outcome: &Outcome| {
        let Faults { lost, duplicated, reordered } = outcome.faults;
        vec![
            format!("{} members, {} connections", outcome.members, outcome.lines),
            format!("{:.0}", outcome.messages_per_second),
            format!("{:.0}", outcome.deliveries_per_second),
            outcome.answer_us.p50.to_string(),
            outcome.delivery_us.p50.to_string(),
            outcome.delivery_us.p99.to_string(),
            outcome.server_cpu_us.map_or_else(|| "–".to_owned(), |cpu| format!("{cpu:.1}")),
            format!("{:.1}", outcome.generator_cpu_us),
            format!("{lost}/{duplicated}/{reordered}"),
        ]
    };
    let heading = [
        "run",
        "messages/s",
        "deliveries/s",
        "answer p50 µs",
        "delivery p50 µs",
        "p99 µs",
        "server µs/delivery",
        "generator µs/delivery",
        "lost/dup/reord",
    ];
    table::markdown(&heading, &outcomes.iter().map(row).collect::<Vec<_>>())
}
