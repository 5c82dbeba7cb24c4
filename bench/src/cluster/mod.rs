//! Several nodes on one PostgreSQL and one NATS, while parts of that are killed and started again.
//!
//! `installation` is what runs, `balancer` what stands before it. `cast` are the agents and who writes to whom,
//! `traffic` their senders, `handlers` their receivers, all of them the client crate as agents use it. `outage` kills
//! and starts again meanwhile, `audit` closes the books, `outcome` is what came of it. `measure` compares
//! installations that are left alone.

mod audit;
mod balancer;
mod book;
mod cast;
mod handlers;
mod installation;
mod measure;
mod outage;
mod outcome;
mod traffic;

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use clap::Args;

use self::balancer::Balancer;
use self::book::Books;
use self::cast::{Cast, Company};
use self::handlers::Handlers;
use self::installation::{Engine, Installation, Shape};
use self::outage::{Outage, Part};
use self::outcome::Outcome;
use self::traffic::Pace;
use crate::direct::window::Clock;
use crate::direct::{Driver, Transport, runtime};
use crate::process::{Machine, ServerChoice};
use crate::report::{self, Report};

/// A PostgreSQL that is killed forgets the acknowledgements of its last moments, and their messages are offered again.
/// Much sooner than usual, so that handlers would see them twice before the books are closed if clients let them.
const REOFFER: &str = "--reoffer-seconds=3";

/// Arguments of `cluster`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerChoice,
    #[command(flatten)]
    shape: Shape,
    #[command(flatten)]
    company: Company,
    /// Sends a second, of all senders together
    #[arg(long, default_value_t = 300.0)]
    rate: f64,
    /// Seconds of traffic, or of each measurement's window [default: 60, or 8 without faults]
    #[arg(long)]
    seconds: Option<f64>,
    /// What is killed and started again, one after the other, evenly spread; each `node` is the next one
    /// [default: every node once, then nats, then postgres]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    faults: Vec<Part>,
    /// Seconds between a kill and the start
    #[arg(long, default_value_t = 1.0)]
    away: f64,
    /// Leave everything alone and measure: senders as fast as they can, each with one send outstanding
    #[arg(long, conflicts_with_all = ["faults", "away", "rate"])]
    no_faults: bool,
    /// Measure SQLite, PostgreSQL with one node, and PostgreSQL with as many as --nodes says
    #[arg(long, conflicts_with_all = ["faults", "away", "rate", "engine"])]
    compare: bool,
    /// Numbers of senders of a measurement, one run for each
    #[arg(long, value_delimiter = ',', default_value = "128")]
    senders: Vec<usize>,
    /// Seconds before a measurement's window opens
    #[arg(long, default_value_t = 2.0)]
    warmup: f64,
    /// Way of sending in a measurement
    #[arg(long, value_enum, default_value = "http")]
    transport: Transport,
    /// What drives a measurement's load
    #[arg(long, value_enum, default_value = "lean")]
    driver: Driver,
    #[command(flatten)]
    output: report::Output,
}

impl Arguments {
    fn seconds(&self) -> f64 {
        self.seconds.unwrap_or(if self.no_faults || self.compare { 8.0 } else { 60.0 })
    }

    fn schedule(&self) -> anyhow::Result<Vec<outage::Target>> {
        let nodes = self.shape.nodes;
        let nats = (nodes > 1).then_some(Part::Nats);
        let all = || std::iter::repeat_n(Part::Node, nodes).chain(nats).chain([Part::Postgres]).collect();
        let parts: Vec<Part> = if self.faults.is_empty() { all() } else { self.faults.clone() };
        if nats.is_none() && parts.contains(&Part::Nats) {
            bail!("a single node has no NATS to kill; leave `nats` out of --faults");
        }
        Ok(outage::targets(&parts, nodes))
    }
}

/// Measures or torments, and reports; fails when the books do not balance or something stayed away.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.no_faults || arguments.compare {
        return measure::run(arguments);
    }
    if arguments.shape.engine == Engine::Sqlite {
        bail!("a server on its own folder has no nodes to kill one by one; see `crash`");
    }
    let outcome = torment(arguments, arguments.schedule()?)?;
    let machine = Machine::inspect(&arguments.server.parent_folder());
    let report = Report::new("cluster", machine, std::slice::from_ref(&outcome));
    arguments.output.write(&report, &outcome.tables(), String::new)?;
    outcome.judge()
}

fn torment(arguments: &Arguments, schedule: Vec<outage::Target>) -> anyhow::Result<Outcome> {
    let installation = Arc::new(Installation::start(&arguments.server, &arguments.shape, &[REOFFER])?);
    runtime(2)?
        .block_on(play(&installation, arguments, schedule))
        .map_err(|error| error.context(installation.log_tails()))
}

async fn play(
    installation: &Arc<Installation>,
    arguments: &Arguments,
    schedule: Vec<outage::Target>,
) -> anyhow::Result<Outcome> {
    let service = installation.service();
    let cast = Arc::new(Cast::gather(&service, &arguments.company).await?);
    let balancer = Balancer::before(&service.addresses).await?;
    let clock = Clock::start();
    let books = Books::open(cast.flows.len());
    let handlers = Handlers::connect(&cast, &balancer, &books, clock).await?;
    let pace = Pace::new(clock.nanos(), arguments.rate, arguments.seconds(), cast.flows.len());
    let away = Duration::from_secs_f64(arguments.away);
    let outages = tokio::spawn(outage::run(installation.clone(), schedule, pace, clock, away));
    let tallies = traffic::send(&cast, &balancer, &books, pace, clock).await?;
    let outages: Vec<Outage> = outages.await??;
    report::talk("the traffic is over; waiting for what is still on its way");
    let unsettled = audit::settle(&service, &cast, &books).await?;
    let handled = handlers.close().await?;
    let discrepancies = audit::compare(&service, &cast, &books).await?;
    Ok(Outcome::new(arguments, &cast, &books, &tallies, &handled, outages, discrepancies, unsettled))
}
