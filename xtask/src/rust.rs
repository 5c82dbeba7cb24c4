//! The stages that are cargo's, and the demo of the built binary.

use anyhow::Result;

use crate::command::{cargo, program, run, run_quietly};
use crate::{agentchat, target};

pub(crate) fn format() -> Result<Vec<String>> {
    run_quietly(cargo(&["fmt", "--all", "--check"]))
}

pub(crate) fn lints() -> Result<Vec<String>> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--keep-going", "--", "-D", "warnings"];
    run_quietly(cargo(&arguments))
}

/// Tests and binaries in one go: with the tests' features, so that nothing is built twice.
pub(crate) fn build() -> Result<Vec<String>> {
    run_quietly(cargo(&["build", "--workspace", "--bins", "--tests"]))
}

pub(crate) fn tests() -> Result<Vec<String>> {
    let arguments = ["test", "--workspace", "--no-fail-fast"];
    run(cargo(&arguments), |line| line.ends_with("... FAILED") || (line.starts_with("test result:") && has_tests(line)))
}

pub(crate) fn documentation() -> Result<Vec<String>> {
    let mut command = cargo(&["doc", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    run_quietly(command)
}

/// Builds the fuzz targets as plain programs with the toolchain at hand: whether they still fit what they call. They are
/// run with `cargo fuzz`, which needs a nightly one (docs/fuzzing.md).
pub(crate) fn fuzz_targets() -> Result<Vec<String>> {
    let mut command = cargo(&["build", "--locked", "--bins", "--manifest-path", "fuzz/Cargo.toml"]);
    command.env("RUSTFLAGS", "--cfg fuzzing").env("CARGO_TARGET_DIR", target().join("fuzz"));
    run_quietly(command)
}

/// Two agents and a server from nothing; its summary is printed again at the end.
pub(crate) fn demo() -> Result<Vec<String>> {
    let mut command = program(agentchat());
    command.args(["demo", "--once"]);
    let lines = run(command, |line| !line.is_empty())?;
    Ok(lines.into_iter().rev().take(2).rev().collect())
}

/// Crates without tests close with a line of zeros, which says nothing.
fn has_tests(closing: &str) -> bool {
    !closing.contains(" 0 passed; 0 failed; 0 ignored")
}
