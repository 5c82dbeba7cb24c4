//! What a measurement leaves behind: a table on standard output, JSON, a plot.

pub mod canvas;
pub mod direct;
pub mod table;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use crate::process::Machine;

/// Where the results go besides the table.
#[derive(Args, Clone, Debug, Default)]
pub struct Output {
    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the results as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Results with what they were taken on and how.
#[derive(Debug, Serialize)]
pub struct Report<'a, T> {
    /// Which measurement.
    pub kind: &'static str,
    /// When, in seconds since 1970.
    pub taken_at: u64,
    /// The command line.
    pub command: Vec<String>,
    /// The machine.
    pub machine: Machine,
    /// The figures.
    pub results: &'a [T],
}

impl<'a, T: Serialize> Report<'a, T> {
    /// A report of now.
    #[must_use]
    pub fn new(kind: &'static str, machine: Machine, results: &'a [T]) -> Self {
        let taken_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { kind, taken_at, command: std::env::args().collect(), machine, results }
    }
}

impl Output {
    /// Prints `table`, writes the JSON and the plot where they were asked for.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write<T: Serialize>(
        &self,
        report: &Report<'_, T>,
        table: &str,
        plot: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        let machine = &report.machine;
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{} · {} processors · {} MiB · Linux {} · {}\n\n{table}",
            machine.processor, machine.processors, machine.memory_mib, machine.kernel, machine.file_system
        )?;
        if let Some(path) = &self.json {
            save(path, &serde_json::to_string_pretty(report)?)?;
        }
        if let Some(path) = &self.plot {
            save(path, &plot())?;
        }
        Ok(())
    }
}

fn save(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Progress, on standard error.
pub(crate) fn talk(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
