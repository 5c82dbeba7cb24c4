//! The OpenAPI document against the standard, and the server against its document: requests that schemathesis makes up.
//!
//! The suite is in `tests/schemathesis/`; what it needs is installed under `target/schemathesis/`.

use std::path::PathBuf;

use anyhow::Result;

use crate::command::{program, run, run_quietly};
use crate::{agentchat, root, target};

/// Validates the document of the built server, then tries each operation. The seed is fixed and so is the number of
/// examples, so that it takes about as long as any other time.
pub(crate) fn check() -> Result<Vec<String>> {
    install()?;
    let mut command = program(python());
    command.arg(sources().join("check.py")).env("AGENTCHAT_BINARY", agentchat()).env("PYTHONDONTWRITEBYTECODE", "1");
    run(command, |line| {
        let closing = ["OpenAPI 3.1: ", "examples: ", "- ST", "Received: "];
        line.contains(" generated, ") || closing.iter().any(|start| line.starts_with(start))
    })
}

fn install() -> Result<()> {
    if !python().exists() {
        let mut venv = program("python3");
        venv.args(["-m", "venv"]).arg(folder());
        run_quietly(venv)?;
    }
    let mut pip = program(python());
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(sources().join("requirements.txt"));
    run_quietly(pip)?;
    Ok(())
}

fn sources() -> PathBuf {
    root().join("tests/schemathesis")
}

fn folder() -> PathBuf {
    target().join("schemathesis")
}

fn python() -> PathBuf {
    folder().join("bin/python")
}
