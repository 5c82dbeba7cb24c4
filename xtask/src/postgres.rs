//! The PostgreSQL server that the official SDKs' suites share for one run.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context, Result};

use crate::command::program;
use crate::target;

/// A running server; ends when the value is dropped.
pub(crate) struct Postgres {
    launcher: Child,
    url: String,
}

impl Postgres {
    pub(crate) fn start() -> Result<Self> {
        let mut command = program(target().join("debug/launch-postgres"));
        let mut launcher = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = launcher.stdout.take().context("no pipe for stdout")?;
        let mut url = String::new();
        BufReader::new(output).read_line(&mut url)?;
        Ok(Self { launcher, url: url.trim().to_owned() })
    }

    /// Where it is, without a database.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.launcher.stdin.take());
        let _ended = self.launcher.wait();
    }
}
