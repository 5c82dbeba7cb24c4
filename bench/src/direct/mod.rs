//! Closed-loop direct sends with live delivery: pair *i* of N agents, one send outstanding each,
//! every message received on a socket, checked and acknowledged.
//!
//! [`scenario`] sets a run up and balances its books; [`sender`] and [`receiver`] are the hot
//! loops; [`ledger`] is what a receiver checks; [`outcome`] the figures of a run; [`compare`] runs with
//! and without the index of words in turn.

pub mod compare;
pub(crate) mod endpoint;
pub mod ledger;
pub mod outcome;
pub mod receiver;
pub mod scenario;
pub(crate) mod sdk;
pub mod sender;
pub mod window;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde::Serialize;

pub use outcome::Outcome;
pub use scenario::Scenario;

use crate::process::{Machine, ServerChoice};
use crate::report::{self, Report};

/// How the senders send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// `POST /v1/messages` on kept-alive connections
    Http,
    /// `message.send` frames on sockets
    Ws,
}

/// What drives the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// This program's own minimal clients
    Lean,
    /// The client crate, as agents use it (HTTP sends only)
    Sdk,
}

/// Arguments of `direct`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerChoice,
    #[command(flatten)]
    load: Load,
    /// Numbers of senders, one run for each
    #[arg(long, value_delimiter = ',', default_value = "64")]
    senders: Vec<usize>,
    /// Numbers of receivers; by default one for each sender
    #[arg(long, value_name = "COUNT")]
    receivers: Option<usize>,
    /// Ways of sending, one run for each
    #[arg(long, value_enum, value_delimiter = ',', default_value = "http")]
    transport: Vec<Transport>,
    /// Runs of each combination, each on a fresh server
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Run in so many pairs with the index of words and without it (--no-search), and compare the medians
    #[arg(long, value_name = "PAIRS", num_args = 0..=1, default_missing_value = "3", conflicts_with = "runs")]
    compare_search: Option<usize>,
    #[command(flatten)]
    output: report::Output,
}

/// How long and how heavy a run is.
#[derive(Args, Clone, Debug)]
pub struct Load {
    /// Seconds before the window opens
    #[arg(long, default_value_t = 2.0)]
    pub warmup: f64,
    /// Seconds of the window
    #[arg(long, default_value_t = 8.0)]
    pub seconds: f64,
    /// Bytes of a message's text
    #[arg(long, default_value_t = 200)]
    pub text_bytes: usize,
    /// Threads of the generator
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// What drives the load
    #[arg(long, value_enum, default_value = "lean")]
    pub driver: Driver,
}

impl Arguments {
    fn scenarios(&self) -> Vec<Scenario> {
        let mut scenarios = Vec::new();
        for &transport in &self.transport {
            for &senders in &self.senders {
                let receivers = self.receivers.unwrap_or(senders).clamp(1, senders.max(1));
                let scenario = Scenario { transport, senders, receivers, load: self.load.clone() };
                scenarios.extend(std::iter::repeat_n(scenario, self.runs));
            }
        }
        scenarios
    }
}

/// Measures every combination and reports.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.load.driver == Driver::Sdk && arguments.transport.contains(&Transport::Ws) {
        bail!("the client crate sends over HTTP; leave --transport ws out");
    }
    if let Some(pairs) = arguments.compare_search {
        return compare::run(arguments, pairs);
    }
    let mut outcomes: Vec<Outcome> = Vec::new();
    for scenario in arguments.scenarios() {
        let server = arguments.server.open()?;
        let outcome = scenario.measure(&server.service())?;
        report::talk(&format!("{outcome}"));
        outcomes.push(outcome);
        server.stop()?;
    }
    let machine = Machine::inspect(&arguments.server.parent_folder());
    let report = Report::new("direct", machine, &outcomes);
    arguments.output.write(&report, &report::direct::table(&outcomes), || report::direct::plot(&outcomes))?;
    balanced(&outcomes)
}

fn balanced<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> anyhow::Result<()> {
    match outcomes.into_iter().find(|outcome| !outcome.is_clean()) {
        Some(outcome) => bail!("the books do not balance: {outcome}"),
        None => Ok(()),
    }
}

/// A runtime with `threads` workers; one means the calling thread alone.
pub(crate) fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    if threads <= 1 {
        return tokio::runtime::Builder::new_current_thread().enable_all().build();
    }
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}
