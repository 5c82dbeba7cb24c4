//! Starting a server on a folder of its own, also several times.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use agentchat_launch::Watched;
use anyhow::{Context, anyhow, bail};
use tempfile::TempDir;

use super::Server;

pub(super) const ADMIN_TOKEN: &str = "bench-operator-token-0123456789abcdef";

/// How long a server may take until it says where it listens.
const PATIENCE: Duration = Duration::from_secs(60);

/// Values that no sender of this program reaches; the checks themselves stay where they are.
const LIFTED: [&str; 9] = [
    "send=100000/1",
    "api=100000/1",
    "ws_frame=100000/1",
    "ws_connect=100000/1",
    "loop=100000/1",
    "group_send=100000/1",
    "group_invite=100000/1",
    "group_create=100000/1",
    "profile_read=100000/1",
];

/// A binary and a data folder, which is removed with this value.
#[derive(Debug)]
pub struct Launch {
    binary: PathBuf,
    folder: TempDir,
    listen: SocketAddr,
    log: PathBuf,
    flags: Vec<String>,
}

impl Launch {
    pub(super) fn new(binary: PathBuf, folder: TempDir, flags: Vec<String>) -> Self {
        let log = folder.path().join("server.log");
        Self { binary, listen: SocketAddr::from(([127, 0, 0, 1], 0)), log, folder, flags }
    }

    /// The same with a fixed address, so that a restarted server is found where it was.
    #[must_use]
    pub(crate) fn listen(self, listen: SocketAddr) -> Self {
        Self { listen, ..self }
    }

    /// The same with further flags.
    #[must_use]
    pub(crate) fn flags(mut self, flags: impl IntoIterator<Item = String>) -> Self {
        self.flags.extend(flags);
        self
    }

    /// The same with its log in a file that outlives it.
    #[must_use]
    pub(crate) fn log(self, log: PathBuf) -> Self {
        Self { log, ..self }
    }

    /// Starts a server on this folder and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it ends before it is ready, or says something else than where it listens.
    pub fn start(self) -> anyhow::Result<Server> {
        let (program, address, _) = self.spawn()?;
        Ok(Server::own(address, program, self))
    }

    /// The data folder of the servers started from here.
    #[must_use]
    pub fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its parent: data, mail and log.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Spawns a server; returns it with its address and how long it took to be ready.
    pub(crate) fn spawn(&self) -> anyhow::Result<(Watched, SocketAddr, Duration)> {
        let mut command = self.command()?;
        let mut program =
            Watched::spawn(&mut command).with_context(|| format!("cannot start {}", self.binary.display()))?;
        let output = program.output().ok_or_else(|| anyhow!("the server has no output"))?;
        let line = first_line(output).with_context(|| self.log_tail())?;
        let took = program.age();
        Ok((program, parse_address(&line)?, took))
    }

    fn command(&self) -> anyhow::Result<Command> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.binary);
        command
            .arg("serve")
            .args(["--listen", &self.listen.to_string(), "--log", "text"])
            .env("RUST_LOG", "warn")
            // Not as an option, which older programs would refuse.
            .env("AGENTCHAT_NO_SYSTEM_AGENT", "true")
            .arg("--data-dir")
            .arg(self.data_folder())
            .arg("--mail")
            .arg(format!("file:{}", self.folder.path().join("mail").display()))
            .args(["--admin-token", ADMIN_TOKEN])
            .args(LIFTED.iter().flat_map(|limit| ["--limit", limit]))
            .args(&self.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        Ok(command)
    }

    pub(super) fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// The first line, read aside: a server that hangs must not take us with it.
fn first_line(output: ChildStdout) -> anyhow::Result<String> {
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        let _ = said.send(read.map(|_| line));
    });
    match heard.recv_timeout(PATIENCE) {
        Ok(Ok(line)) if line.is_empty() => bail!("the server ended before it was ready"),
        Ok(line) => Ok(line?),
        Err(_) => bail!("the server was not ready within {PATIENCE:?}"),
    }
}

fn parse_address(line: &str) -> anyhow::Result<SocketAddr> {
    line.trim()
        .strip_prefix("listening on http://")
        .and_then(|address| address.parse().ok())
        .ok_or_else(|| anyhow!("the server said {line:?} instead of where it listens"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_line_is_understood() {
        assert_eq!(parse_address("listening on http://127.0.0.1:80\n").unwrap().port(), 80);
        assert!(parse_address("hello\n").is_err());
    }
}
