//! Running one program: its output goes to the terminal as it comes, its closing lines are kept.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::root;

/// A program that stands in the workspace's root.
pub(crate) fn program(name: impl AsRef<Path>) -> Command {
    let mut command = Command::new(name.as_ref());
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that started this chore.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Runs to the end and returns the lines of stdout that `closing` accepts; an exit code other
/// than 0 is an error that names the program.
pub(crate) fn run(mut command: Command, closing: fn(&str) -> bool) -> Result<Vec<String>> {
    let shown = show(&command);
    println!("$ {shown}");
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("could not start `{shown}`"))?;
    let output = child.stdout.take().context("no pipe for stdout")?;
    let mut kept = Vec::new();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.with_context(|| format!("could not read the output of `{shown}`"))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if closing(line.trim()) {
            kept.push(line.trim().to_owned());
        }
    }
    let status = child.wait()?;
    if !status.success() {
        let lines = kept.iter().map(|line| format!("\n    {line}"));
        bail!("`{shown}`: {status}{}", lines.collect::<String>());
    }
    Ok(kept)
}

/// For programs whose output has no closing lines worth repeating.
pub(crate) fn run_quietly(command: Command) -> Result<Vec<String>> {
    run(command, |_| false)
}

/// Whether the program can be started at all.
pub(crate) fn is_there(name: impl AsRef<Path>) -> bool {
    let mut command = Command::new(name.as_ref());
    command.arg("--version").stdin(Stdio::null());
    command.output().is_ok_and(|output| output.status.success())
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
