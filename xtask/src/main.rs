//! The project's chores, run as `cargo xtask CHORE`.
//!
//! * `check` — the quick gate before a commit: formatting, lints, documentation.
//! * `test` — everything, from nothing: the gate, the Rust tests, the official Python and
//!   TypeScript SDKs against a started server, and the demo. Debian packages that are missing
//!   are installed.
//! * `contract` — whether every row of the written contract, in a folder beside the tree, is listed with its tests.
//! * `soak` — the rules against the model of their contract for minutes, or as many steps as are given.
//!
//! Parts: [`command`] runs one program and keeps its closing lines, [`report`] collects the
//! stages, [`packages`] installs what the machine lacks, [`rust`] holds the stages that are
//! cargo's, [`official`] those of the official SDKs, [`mod@contract`] the comparison with the
//! documents, [`document`] the OpenAPI document's, [`mod@soak`] the long ones.
#![expect(clippy::print_stdout, reason = "a chore talks to the terminal it was started from")]

mod command;
mod contract;
mod document;
mod official;
mod packages;
mod postgres;
mod report;
mod rust;
mod soak;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;

use anyhow::{Context, Result, bail};
use report::Report;

const USAGE: &str = "usage: cargo xtask CHORE

  check     formatting, lints and documentation
  test      everything: check, Rust tests, the official SDKs against a started server, the demo
  contract  every row of the written contract is listed with its tests; `contract --spec FOLDER`
  soak      the rules against the model of their contract, for minutes; `soak STEPS` for as many steps";

fn main() -> ExitCode {
    let chore = std::env::args().nth(1).unwrap_or_default();
    let report = match chore.as_str() {
        "check" => check(),
        "test" => test(),
        "contract" => match (std::env::args().nth(2).as_deref(), std::env::args().nth(3)) {
            (Some("--spec"), Some(folder)) => contract(&folder),
            _ => return misused(),
        },
        "soak" => soak(),
        _ => return misused(),
    };
    report.print();
    if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn misused() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn contract(folder: &str) -> Report {
    let mut report = Report::default();
    report.stage("contract", || contract::compare(folder));
    report
}

fn check() -> Report {
    let mut report = Report::default();
    report.stage("format", rust::format);
    report.stage("lints", rust::lints);
    report.stage("documentation", rust::documentation);
    report
}

/// Runs every stage even when one fails, so that one run shows all there is to mend; only what
/// cannot run without a built server is left out when the build fails.
fn test() -> Report {
    let mut report = Report::default();
    let (packages, installed_packages) = mpsc::channel();
    let installing = std::thread::spawn(move || install(&packages));
    report.stage("format", rust::format);
    report.stage("lints", rust::lints);
    let built = report.stage("build", rust::build);
    // The tests start servers that are among them.
    report.stage("Debian packages", || installed_packages.recv().context("the installing thread panicked")?);
    if built {
        report.stage("Rust tests", rust::tests);
    }
    report.stage("documentation", rust::documentation);
    let installed = report.stage("official SDKs' installation", || {
        installing.join().unwrap_or_else(|_| bail!("the installing thread panicked"))
    });
    if built && installed {
        report.stages_together(official::suites());
        report.stages_together(official::suites_on_postgres());
    }
    if built {
        report.stage("schemathesis", document::check);
        report.stage("demo", rust::demo);
    }
    report.stage("fuzz targets", rust::fuzz_targets);
    report
}

/// Each engine after the other: they would only slow each other down.
fn soak() -> Report {
    let mut report = Report::default();
    let steps = match soak::steps(std::env::args().nth(2).as_deref()) {
        Ok(steps) => steps,
        Err(error) => {
            report.stage("number of steps", || Err(error));
            return report;
        }
    };
    if report.stage("Debian packages", packages::install) {
        report.stage("model on SQLite", || soak::sqlite(steps));
        report.stage("model on PostgreSQL", || soak::postgres(steps));
    }
    report
}

/// What needs no build, beside the first one: packages, of which the caller hears at once, then the official SDKs.
fn install(packages: &mpsc::Sender<Result<Vec<String>>>) -> Result<Vec<String>> {
    let installed = packages::install();
    let complete = installed.is_ok();
    // The caller waits for it.
    let _ = packages.send(installed);
    if !complete {
        bail!("Debian packages are missing");
    }
    official::install()
}

/// The workspace's root, wherever the chore was started from.
fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Where cargo builds, `CARGO_TARGET_DIR` honoured.
fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The server as `cargo xtask test` builds it.
fn agentchat() -> PathBuf {
    target().join("debug/agentchat")
}
