//! Which server a measurement is about: a new one on a fresh folder, or one that runs.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use clap::Args;

use super::{Launch, Server};

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
            Some(address) => {
                Ok(Server::foreign(address, self.admin_token.clone().unwrap_or_default(), self.server_pid))
            }
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
        Ok(Launch::new(binary, folder, self.flags.clone()))
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
