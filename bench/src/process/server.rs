//! A server under measurement.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use agentchat_launch::Watched;
use anyhow::anyhow;

use super::launch::ADMIN_TOKEN;
use super::{Launch, Service};

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
    /// None between a kill and the next start.
    program: Option<Watched>,
    launch: Launch,
}

impl Server {
    /// One that runs already.
    pub(super) fn foreign(address: SocketAddr, admin_token: String, pid: Option<u32>) -> Self {
        Self { address, admin_token, pid, process: None }
    }

    /// One that was just started.
    pub(super) fn own(address: SocketAddr, program: Watched, launch: Launch) -> Self {
        let pid = Some(program.id());
        let process = Process { program: Some(program), launch };
        Self { address, admin_token: ADMIN_TOKEN.to_owned(), pid, process: Some(process) }
    }

    /// What a load needs to know of it.
    #[must_use]
    pub fn service(&self) -> Service {
        Service {
            addresses: vec![self.address],
            admin_token: self.admin_token.clone(),
            servers: self.pid.into_iter().collect(),
            postgres: None,
            nats: None,
        }
    }

    /// Its data folder, when it was started here.
    #[must_use]
    pub fn data_folder(&self) -> Option<PathBuf> {
        self.process.as_ref().map(|process| process.launch.data_folder())
    }

    /// Its folder's parent: data, mail and log.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.process.as_ref().map(|process| process.launch.folder())
    }

    /// The last lines of its log, when it was started here.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.process.as_ref().map_or_else(String::new, |process| process.launch.log_tail())
    }

    /// `SIGKILL`.
    ///
    /// # Errors
    ///
    /// When the server was not started here.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        drop(self.process()?.program.take());
        self.pid = None;
        Ok(())
    }

    /// A new server on the same folder after a kill; returns how long it took to be ready.
    ///
    /// # Errors
    ///
    /// When the server was not started here, or does not come back.
    pub fn start_again(&mut self) -> anyhow::Result<Duration> {
        let process = self.process()?;
        let (program, address, took) = process.launch.spawn()?;
        let pid = program.id();
        process.program = Some(program);
        (self.pid, self.address) = (Some(pid), address);
        Ok(took)
    }

    /// Both at once.
    ///
    /// # Errors
    ///
    /// As both.
    pub fn kill_and_restart(&mut self) -> anyhow::Result<Duration> {
        self.kill()?;
        self.start_again()
    }

    fn process(&mut self) -> anyhow::Result<&mut Process> {
        self.process.as_mut().ok_or_else(|| anyhow!("only an own server can be killed"))
    }

    /// `SIGTERM`, then waits for its end.
    ///
    /// # Errors
    ///
    /// When it cannot be signalled or waited for.
    pub fn stop(self) -> anyhow::Result<Option<ExitStatus>> {
        let program = self.process.and_then(|process| Some((process.program?, process.launch)));
        // The launch holds the folder, which must outlive the program.
        program.map(|(program, _launch)| Ok(program.terminate()?)).transpose()
    }
}
