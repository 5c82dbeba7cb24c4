//! Size of the write-ahead log during a long run at full speed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use clap::Args;
use serde::Serialize;

use crate::direct::{self, Outcome, Scenario, Transport};
use crate::process::{Machine, ServerChoice, Usage};
use crate::report::canvas::{COLOURS, Canvas, Panel, round_steps};
use crate::report::{self, Report, table};

const MIB: f64 = 1024.0 * 1024.0;
const SIZE: (f64, f64) = (700.0, 300.0);

/// Arguments of `log`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerChoice,
    /// Seconds at full speed
    #[arg(long, default_value_t = 600.0)]
    seconds: f64,
    /// Number of senders
    #[arg(long, default_value_t = 256)]
    senders: usize,
    /// Way of sending
    #[arg(long, value_enum, default_value = "ws")]
    transport: Transport,
    /// Milliseconds between two samples
    #[arg(long, default_value_t = 50)]
    every: u64,
    /// The log must stay below this, in MiB
    #[arg(long, default_value_t = 128)]
    at_most: u64,
    #[command(flatten)]
    output: report::Output,
}

/// One look at the folder.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    /// Seconds since the first.
    pub at: f64,
    /// Size of the log in bytes.
    pub log_bytes: u64,
    /// Size of the database in bytes.
    pub database_bytes: u64,
    /// Server's resident memory in KiB.
    pub rss_kib: u64,
}

/// The samples and the load they were taken under.
#[derive(Clone, Debug, Serialize)]
pub struct Growth {
    /// The largest log of all samples, in bytes.
    pub largest_log_bytes: u64,
    /// The load.
    pub load: Outcome,
    /// At most one a second, the one with the largest log of that second.
    pub samples: Vec<Sample>,
}

/// Measures, reports, and fails when the log grew beyond the bound.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let server = arguments.server.open()?;
    let folder = server.data_folder().ok_or_else(|| anyhow!("only an own server's folder can be watched"))?;
    let stop = Arc::new(AtomicBool::new(false));
    let (ended, every, pid) = (stop.clone(), Duration::from_millis(arguments.every), server.pid);
    let sampler = std::thread::spawn(move || sample(&folder, pid, every, &ended));
    let load = arguments.scenario().measure(&server.service());
    stop.store(true, Ordering::Relaxed);
    let samples = sampler.join().map_err(|_| anyhow!("the sampler panicked"))?;
    let growth = Growth::new(load?, &samples);
    server.stop()?;
    let report = Report::new("log", Machine::inspect(&arguments.server.parent_folder()), std::slice::from_ref(&growth));
    arguments.output.write(&report, &growth.table(), || growth.plot())?;
    growth.judge(arguments.at_most)
}

impl Arguments {
    fn scenario(&self) -> Scenario {
        Scenario {
            transport: self.transport,
            senders: self.senders,
            receivers: self.senders,
            load: direct::Load {
                warmup: 1.0,
                seconds: self.seconds,
                text_bytes: 200,
                threads: 1,
                driver: direct::Driver::Lean,
            },
        }
    }
}

impl Growth {
    fn new(load: Outcome, samples: &[Sample]) -> Self {
        let mut per_second: Vec<Sample> = Vec::new();
        for sample in samples {
            match per_second.last_mut() {
                Some(last) if last.at.floor() == sample.at.floor() => {
                    if sample.log_bytes > last.log_bytes {
                        *last = *sample;
                    }
                }
                _ => per_second.push(*sample),
            }
        }
        let largest_log_bytes = samples.iter().map(|sample| sample.log_bytes).max().unwrap_or(0);
        Self { largest_log_bytes, load, samples: per_second }
    }

    fn table(&self) -> String {
        let last = self.samples.last();
        let mib = |bytes: u64| format!("{:.1}", bytes as f64 / MIB);
        let row = vec![
            format!("{:.0} s at {:.0} acked/s", self.load.seconds, self.load.acked_per_second),
            mib(self.largest_log_bytes),
            mib(last.map_or(0, |sample| sample.database_bytes)),
            last.map_or(0, |sample| sample.rss_kib / 1024).to_string(),
            self.load.sent.to_string(),
        ];
        table::markdown(&["load", "largest log MiB", "database MiB", "RSS MiB", "messages"], &[row])
    }

    fn plot(&self) -> String {
        let largest = self.largest_log_bytes as f64 / MIB;
        let length = self.samples.last().map_or(1.0, |sample| sample.at);
        let panel = Panel::new(0, SIZE, (0.0, length), (0.0, largest * 1.1));
        let mut canvas = Canvas::new(1, SIZE);
        let below = |most: f64| move |step: &(f64, String)| step.0 <= most;
        let seconds: Vec<_> = round_steps(length).into_iter().filter(below(length)).collect();
        let mib: Vec<_> = round_steps(largest * 1.1).into_iter().filter(below(largest * 1.1)).collect();
        canvas.frame(&panel, "Write-ahead log (MiB) over the run (s)", &seconds, &mib);
        let points: Vec<(f64, f64)> =
            self.samples.iter().map(|sample| (sample.at, sample.log_bytes as f64 / MIB)).collect();
        canvas.line(&panel, &points, COLOURS[0]);
        canvas.finish()
    }

    fn judge(&self, at_most_mib: u64) -> anyhow::Result<()> {
        if self.largest_log_bytes > at_most_mib * 1024 * 1024 {
            bail!("the log reached {:.1} MiB, more than {at_most_mib}", self.largest_log_bytes as f64 / MIB);
        }
        if !self.load.is_clean() {
            bail!("the books do not balance: {}", self.load);
        }
        Ok(())
    }
}

fn sample(folder: &Path, pid: Option<u32>, every: Duration, stop: &AtomicBool) -> Vec<Sample> {
    let started = Instant::now();
    let mut samples = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        samples.push(look(folder, pid, started.elapsed().as_secs_f64()));
        std::thread::sleep(every);
    }
    samples
}

fn look(folder: &Path, pid: Option<u32>, at: f64) -> Sample {
    let (mut log_bytes, mut database_bytes) = (0, 0);
    for (path, bytes) in files(folder) {
        let name = path.to_string_lossy();
        if name.ends_with("-wal") {
            log_bytes += bytes;
        } else if !name.ends_with("-shm") {
            database_bytes += bytes;
        }
    }
    let rss_kib = pid.and_then(|pid| Usage::of(pid).ok()).map_or(0, |usage| usage.rss_kib);
    Sample { at, log_bytes, database_bytes, rss_kib }
}

fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok().filter(std::fs::Metadata::is_file)?.len())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_and_database_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.db"), [0; 10]).unwrap();
        std::fs::write(folder.path().join("a.db-wal"), [0; 7]).unwrap();
        std::fs::write(folder.path().join("a.db-shm"), [0; 3]).unwrap();
        let sample = look(folder.path(), None, 0.0);
        assert_eq!((sample.database_bytes, sample.log_bytes), (10, 7));
    }
}
