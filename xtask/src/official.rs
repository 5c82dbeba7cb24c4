//! The service's official SDKs, unmodified from their registries, against a started server.
//!
//! The suites are in `tests/official/`. What they need is installed under `target/official/`, in
//! the pinned versions, so that nothing but the sources lies in the tree.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::command::{program, run, run_quietly};
use crate::postgres::Postgres;
use crate::report::Work;
use crate::{agentchat, root, target};

/// Both installations at once; they need no build, so this runs beside the first one.
pub(crate) fn install() -> Result<Vec<String>> {
    let python = thread::spawn(install_python);
    install_typescript().context("the official TypeScript SDK was not installed")?;
    let joined = python.join();
    joined
        .unwrap_or_else(|_| bail!("the installing thread panicked"))
        .context("the official Python SDK was not installed")
}

/// The suites; each test starts its own server on a free port, so they run side by side.
pub(crate) fn suites() -> Vec<(&'static str, Work)> {
    vec![
        ("official Python SDK", || python_suite(None)),
        ("official TypeScript SDK", || {
            copy_sources()?;
            typescript_suite(None)
        }),
    ]
}

/// The same once more, with a database on PostgreSQL for each test.
pub(crate) fn suites_on_postgres() -> Vec<(&'static str, Work)> {
    vec![
        ("official Python SDK on PostgreSQL", || python_suite(Some(Postgres::start()?))),
        ("official TypeScript SDK on PostgreSQL", || typescript_suite(Some(Postgres::start()?))),
    ]
}

fn python_suite(postgres: Option<Postgres>) -> Result<Vec<String>> {
    let mut command = program(python().join("bin/python"));
    command
        .args(["-m", "pytest", "--numprocesses=6", "--durations=5"])
        .args(["-p", "no:cacheprovider"])
        .current_dir(sources("python"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    on_engine(&mut command, postgres.as_ref());
    run(command, |line| line.starts_with("FAILED ") || (line.starts_with("===") && line.contains(" in ")))
}

fn typescript_suite(postgres: Option<Postgres>) -> Result<Vec<String>> {
    let mut command = program("node");
    command.args(["--test", "--test-concurrency=8", "--test-timeout=300000"]).current_dir(typescript());
    on_engine(&mut command, postgres.as_ref());
    run(command, |line| {
        let closing = ["not ok ", "# tests ", "# pass ", "# fail ", "✖ ", "ℹ tests ", "ℹ pass ", "ℹ fail "];
        closing.iter().any(|start| line.starts_with(start))
    })
}

fn on_engine(command: &mut Command, postgres: Option<&Postgres>) {
    command.env("AGENTCHAT_BINARY", agentchat());
    if let Some(postgres) = postgres {
        command.env("AGENTCHAT_TEST_POSTGRES", postgres.url());
    }
}

fn install_python() -> Result<Vec<String>> {
    if !python().join("bin/python").exists() {
        let mut venv = program("python3");
        venv.args(["-m", "venv"]).arg(python());
        run_quietly(venv)?;
    }
    let mut pip = program(python().join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .arg("--requirement")
        .arg(sources("python").join("requirements.txt"));
    run_quietly(pip)
}

fn install_typescript() -> Result<Vec<String>> {
    copy_sources()?;
    let mut npm = program("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(typescript());
    run_quietly(npm)
}

/// Node looks for packages beside the file that imports them, so the suite runs from a copy
/// beside `node_modules`.
fn copy_sources() -> Result<()> {
    fs::create_dir_all(typescript())?;
    let old = fs::read_dir(typescript())?.filter_map(|entry| Some(entry.ok()?.path()));
    for path in old.filter(|path| path.extension().is_some_and(|extension| extension == "mjs")) {
        fs::remove_file(path)?;
    }
    for entry in fs::read_dir(sources("typescript"))? {
        let path = entry?.path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            fs::copy(&path, typescript().join(name)).with_context(|| format!("could not copy {}", path.display()))?;
        }
    }
    Ok(())
}

fn sources(language: &str) -> PathBuf {
    root().join("tests/official").join(language)
}

fn python() -> PathBuf {
    target().join("official/python")
}

fn typescript() -> PathBuf {
    target().join("official/typescript")
}
