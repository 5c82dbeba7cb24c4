//! `kill -9` under load, again and again on one folder; after each restart the books are checked.
//!
//! `load` sends, receives and is refused until the server dies; `audit` compares what was
//! acknowledged with what the restarted server holds and delivers.

mod audit;
mod load;

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use rand::Rng;
use serde::Serialize;

use self::audit::Findings;
use self::load::Field;
use crate::direct::{Transport, runtime};
use crate::process::{Machine, Server, ServerChoice};
use crate::report::{self, Report, table};

/// Arguments of `crash`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerChoice,
    /// How often the server is killed
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Pairs of agents
    #[arg(long, default_value_t = 32)]
    pairs: usize,
    /// Way of sending
    #[arg(long, value_enum, default_value = "http")]
    transport: Transport,
    /// Milliseconds of load before the kill, at least
    #[arg(long, default_value_t = 200)]
    earliest: u64,
    /// Milliseconds of load before the kill, at most
    #[arg(long, default_value_t = 1500)]
    latest: u64,
    #[command(flatten)]
    output: report::Output,
}

/// One kill and what was found after it.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    /// Milliseconds of load before the kill.
    pub load_ms: u64,
    /// Milliseconds from the start of the next server until it was ready.
    pub recovery_ms: f64,
    /// What the books say.
    #[serde(flatten)]
    pub findings: Findings,
}

/// Kills, checks and reports; fails when anything was found.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut server = arguments.server.open()?;
    let rounds = runtime(1)?.block_on(play(&mut server, arguments))?;
    server.stop()?;
    let report = Report::new("crash", Machine::inspect(&arguments.server.parent_folder()), &rounds);
    arguments.output.write(&report, &rows(&rounds), String::new)?;
    match rounds.iter().find(|round| !round.findings.is_clean()) {
        Some(round) => bail!("the books do not balance after a crash: {:?}", round.findings),
        None => Ok(()),
    }
}

async fn play(server: &mut Server, arguments: &Arguments) -> anyhow::Result<Vec<Round>> {
    let mut field = Field::set_up(server, arguments.pairs, arguments.transport).await?;
    let mut rounds = Vec::new();
    for number in 1..=arguments.rounds {
        let load_ms = rand::rng().random_range(arguments.earliest..=arguments.latest.max(arguments.earliest));
        let load = field.begin(server).await?;
        tokio::time::sleep(Duration::from_millis(load_ms)).await;
        let recovery = server.kill_and_restart()?;
        field.end(load).await?;
        field.repeat_unanswered(server).await?;
        let findings = audit::check(&mut field, server).await?;
        report::talk(&format!("round {number}: {load_ms} ms of load, {findings:?}"));
        rounds.push(Round { load_ms, recovery_ms: recovery.as_secs_f64() * 1e3, findings });
    }
    Ok(rounds)
}

fn rows(rounds: &[Round]) -> String {
    let heading = [
        "round",
        "load ms",
        "recovery ms",
        "acked",
        "refused",
        "unanswered",
        "kept",
        "missing",
        "holes",
        "undelivered",
        "out of order",
        "refused but kept",
    ];
    let rows: Vec<Vec<String>> = rounds.iter().enumerate().map(|(index, round)| row(index + 1, round)).collect();
    table::markdown(&heading, &rows)
}

fn row(number: usize, round: &Round) -> Vec<String> {
    let found = &round.findings;
    let counts = [
        found.acked,
        found.refused,
        found.unanswered,
        found.unanswered_kept,
        found.missing,
        found.holes,
        found.undelivered,
        found.out_of_order,
        found.refused_but_kept,
    ];
    let first = [number.to_string(), round.load_ms.to_string(), format!("{:.1}", round.recovery_ms)];
    first.into_iter().chain(counts.iter().map(u64::to_string)).collect()
}
