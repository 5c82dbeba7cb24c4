//! The tests that find more the longer they run: the rules against the model of their contract
//! (`crates/core/tests/it/model/`), with many more steps than the ordinary tests take.

use anyhow::{Result, bail};

use crate::command::{cargo, run};

/// Steps on SQLite, unless the caller says how many: some minutes.
const STEPS: u64 = 200_000;

/// PostgreSQL needs about so many times as long for a step.
const SLOWER: u64 = 10;

/// How many steps the chore was asked for.
pub(crate) fn steps(argument: Option<&str>) -> Result<u64> {
    match argument.map(str::parse) {
        None => Ok(STEPS),
        Some(Ok(steps)) if steps > 0 => Ok(steps),
        Some(_) => bail!("cargo xtask soak takes a number of steps, such as {STEPS}"),
    }
}

pub(crate) fn sqlite(steps: u64) -> Result<Vec<String>> {
    model("sqlite_does_what_the_model_says", steps)
}

pub(crate) fn postgres(steps: u64) -> Result<Vec<String>> {
    model("postgres_does_what_the_model_says", steps.div_ceil(SLOWER))
}

/// A failure names the seed that repeats it: `AGENTCHAT_MODEL_SEED`.
fn model(test: &str, steps: u64) -> Result<Vec<String>> {
    let mut command = cargo(&["test", "--package", "agentchat-core", "--test", "it", "--", test, "--nocapture"]);
    command.env("AGENTCHAT_MODEL_STEPS", steps.to_string());
    run(command, |line| line.contains("AGENTCHAT_MODEL_SEED") || line.starts_with("test result:"))
}
