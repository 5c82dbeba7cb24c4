//! Time from spawn to ready on an empty folder.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::process::{Machine, ServerChoice};
use crate::report::{self, Report, table};

/// Arguments of `start`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerChoice,
    /// How often, each time on a new folder
    #[arg(long, default_value_t = 20)]
    runs: usize,
    #[command(flatten)]
    output: report::Output,
}

/// The figures, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Each run, sorted.
    pub ready_ms: Vec<f64>,
}

impl Outcome {
    fn table(&self) -> String {
        let at = |index: usize| format!("{:.1}", self.ready_ms[index]);
        let last = self.ready_ms.len() - 1;
        let row = vec!["ready after ms".to_owned(), at(0), at(last / 2), at(last)];
        table::markdown(&["", "fastest", "median", "slowest"], &[row])
    }
}

/// Measures and reports.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut ready_ms = Vec::new();
    for _ in 0..arguments.runs.max(1) {
        ready_ms.push(once(&arguments.server)?.as_secs_f64() * 1e3);
    }
    ready_ms.sort_by(f64::total_cmp);
    let outcome = Outcome { ready_ms };
    let report =
        Report::new("start", Machine::inspect(&arguments.server.parent_folder()), std::slice::from_ref(&outcome));
    arguments.output.write(&report, &outcome.table(), String::new)
}

fn once(choice: &ServerChoice) -> anyhow::Result<Duration> {
    let launch = choice.launch()?;
    let (_program, _, took) = launch.spawn()?;
    Ok(took)
}
