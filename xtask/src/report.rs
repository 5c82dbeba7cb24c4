//! What the stages came to: minutes, closing lines, failures.

use std::time::{Duration, Instant};

use anyhow::Result;

/// A stage's work: the closing lines of what it ran, or why it failed.
pub(crate) type Work = fn() -> Result<Vec<String>>;

struct Stage {
    name: String,
    took: Duration,
    outcome: Result<Vec<String>>,
}

/// The stages so far, in the order in which they ended.
#[derive(Default)]
pub(crate) struct Report {
    stages: Vec<Stage>,
}

impl Report {
    /// Runs one stage and says whether it passed.
    pub(crate) fn stage(&mut self, name: &str, work: impl FnOnce() -> Result<Vec<String>>) -> bool {
        let stage = timed(name, work);
        let passed = stage.outcome.is_ok();
        self.stages.push(stage);
        passed
    }

    /// Runs stages that do not disturb each other at the same time.
    pub(crate) fn stages_together(&mut self, together: Vec<(&'static str, Work)>) {
        let threads = together.into_iter().map(|(name, work)| (name, std::thread::spawn(move || timed(name, work))));
        let threads: Vec<_> = threads.collect();
        for (name, thread) in threads {
            let panicked = || Stage {
                name: name.to_owned(),
                took: Duration::ZERO,
                outcome: Err(anyhow::anyhow!("the stage panicked")),
            };
            self.stages.push(thread.join().unwrap_or_else(|_| panicked()));
        }
    }

    pub(crate) fn passed(&self) -> bool {
        self.stages.iter().all(|stage| stage.outcome.is_ok())
    }

    /// The summary at the end of a run.
    pub(crate) fn print(&self) {
        println!("\n── summary ──");
        for stage in &self.stages {
            stage.print();
        }
        let failed = self.stages.iter().filter(|stage| stage.outcome.is_err());
        match failed.count() {
            0 => println!("all {} stages passed", self.stages.len()),
            failed => println!("{failed} of {} stages FAILED", self.stages.len()),
        }
    }
}

impl Stage {
    fn print(&self) {
        let verdict = if self.outcome.is_ok() { "ok" } else { "FAILED" };
        let minutes = self.took.as_secs_f64() / 60.0;
        println!("{verdict:<6} {minutes:>6.2} min  {}", self.name);
        match &self.outcome {
            Ok(lines) => lines.iter().for_each(|line| println!("    {line}")),
            Err(error) => println!("    {error:#}"),
        }
    }
}

fn timed(name: &str, work: impl FnOnce() -> Result<Vec<String>>) -> Stage {
    println!("\n── {name} ──");
    let start = Instant::now();
    let outcome = work();
    Stage { name: name.to_owned(), took: start.elapsed(), outcome }
}
