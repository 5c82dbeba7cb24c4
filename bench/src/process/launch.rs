//! Starting a server of its own on a fresh folder, or pointing at one that runs.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use tempfile::TempDir;

const ADMIN_TOKEN: &str = "bench-operator-token-0123456789abcdef";

/// Values that no sender of this program reaches; the checks themselves stay where they are.
const LIFTED: [&str; 6] = [
    "send=100000/1",
    "api=100000/1",
    "ws_frame=100000/1",
    "ws_connect=100000/1",
    "loop=100000/1",
    "profile_read=100000/1",
];

/// Which server is measured.
#[derive(Args, Clone, Debug)]
pub struct ServerChoice {
    /// Server binary to start; by default the `agentchat` beside this program
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Folder on the disk to be measured; a fresh data folder is made in it
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Further flag for the server that is started; may be repeated
    #[arg(long = "server-flag", value_name = "FLAG", allow_hyphen_values = true)]
    flags: Vec<String>,
    /// Measure a server that runs already, given as HOST:PORT
    #[arg(long, value_name = "ADDRESS", requires = "admin_token", conflicts_with = "server")]
    address: Option<SocketAddr>,
    /// Admin token of that server
    #[arg(long, value_name = "TOKEN")]
    admin_token: Option<String>,
    /// Process id of that server, for its CPU time and memory
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
}

impl ServerChoice {
    /// A running server: the one that was named, or a new one on a fresh folder.
    ///
    /// # Errors
    ///
    /// When the server does not start.
    pub fn open(&self) -> anyhow::Result<Server> {
        match self.address {
            Some(address) => Ok(Server {
                address,
                admin_token: self.admin_token.clone().unwrap_or_default(),
                pid: self.server_pid,
                process: None,
            }),
            None => self.launch()?.start(),
        }
    }

    /// What is needed to start servers, also several times on the same folder.
    ///
    /// # Errors
    ///
    /// When there is no such binary, or the folder cannot be made.
    pub fn launch(&self) -> anyhow::Result<Launch> {
        if self.address.is_some() {
            bail!("this measurement starts its own servers; leave --address out");
        }
        let binary = match &self.server {
            Some(path) => path.clone(),
            None => sibling("agentchat")?,
        };
        if !binary.is_file() {
            bail!("no server at {}; name one with --server", binary.display());
        }
        let parent = self.folder.clone().unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::Builder::new()
            .prefix("agentchat-bench-")
            .tempdir_in(&parent)
            .with_context(|| format!("cannot make a data folder in {}", parent.display()))?;
        Ok(Launch { binary, folder, flags: self.flags.clone() })
    }

    /// The folder whose file system is measured.
    #[must_use]
    pub fn parent_folder(&self) -> PathBuf {
        self.folder.clone().unwrap_or_else(std::env::temp_dir)
    }
}

fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("where this program lies is not known")?;
    let folder = own.parent().ok_or_else(|| anyhow!("this program lies in no folder"))?;
    Ok(folder.join(name))
}

/// A binary and a data folder, which is removed with this value.
#[derive(Debug)]
pub struct Launch {
    binary: PathBuf,
    folder: TempDir,
    flags: Vec<String>,
}

impl Launch {
    /// Starts a server on this folder and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it ends before it is ready, or says something else than where it listens.
    pub fn start(self) -> anyhow::Result<Server> {
        let (child, address, _) = self.spawn()?;
        let pid = Some(child.id());
        let admin_token = ADMIN_TOKEN.to_owned();
        Ok(Server { address, admin_token, pid, process: Some(Process { child, launch: self }) })
    }

    /// The data folder of the servers started from here.
    #[must_use]
    pub fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Spawns a server; returns it with its address and how long it took to be ready.
    pub(crate) fn spawn(&self) -> anyhow::Result<(Child, SocketAddr, Duration)> {
        let mut command = self.command()?;
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot start {}", self.binary.display()))?;
        match first_line(&mut child) {
            Ok(line) => Ok((child, parse_address(&line)?, started.elapsed())),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error.context(self.log_tail()))
            }
        }
    }

    fn command(&self) -> anyhow::Result<Command> {
        let log = File::options().create(true).append(true).open(self.log_file())?;
        let mut command = Command::new(&self.binary);
        command
            .arg("serve")
            .args(["--listen", "127.0.0.1:0", "--log", "text"])
            .env("RUST_LOG", "warn")
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

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

fn first_line(child: &mut Child) -> anyhow::Result<String> {
    let output = child.stdout.take().ok_or_else(|| anyhow!("the server has no output"))?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    if line.is_empty() {
        bail!("the server ended before it was ready");
    }
    Ok(line)
}

fn parse_address(line: &str) -> anyhow::Result<SocketAddr> {
    line.trim()
        .strip_prefix("listening on http://")
        .and_then(|address| address.parse().ok())
        .ok_or_else(|| anyhow!("the server said {line:?} instead of where it listens"))
}

/// A server to be measured. One that was started here ends with this value.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The operator's token.
    pub admin_token: String,
    /// Its process id, when known.
    pub pid: Option<u32>,
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    launch: Launch,
}

impl Server {
    /// Its data folder, when it was started here.
    #[must_use]
    pub fn data_folder(&self) -> Option<PathBuf> {
        self.process.as_ref().map(|process| process.launch.data_folder())
    }

    /// Its folder's parent: data, mail and log.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.process.as_ref().map(|process| process.launch.folder.path())
    }

    /// `SIGKILL`, then a new server on the same folder; returns how long it took to be ready.
    ///
    /// # Errors
    ///
    /// When the server was not started here, or does not come back.
    pub fn kill_and_restart(&mut self) -> anyhow::Result<Duration> {
        let process = self.process.as_mut().ok_or_else(|| anyhow!("only an own server can be killed"))?;
        process.child.kill()?;
        process.child.wait()?;
        let (child, address, took) = process.launch.spawn()?;
        self.pid = Some(child.id());
        self.address = address;
        process.child = child;
        Ok(took)
    }

    /// `SIGTERM`, then waits for its end.
    ///
    /// # Errors
    ///
    /// When it cannot be signalled or waited for.
    pub fn stop(mut self) -> anyhow::Result<Option<ExitStatus>> {
        let Some(process) = self.process.as_mut() else {
            return Ok(None);
        };
        if let Some(pid) = rustix::process::Pid::from_raw(i32::try_from(process.child.id())?) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        Ok(Some(process.child.wait()?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
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
