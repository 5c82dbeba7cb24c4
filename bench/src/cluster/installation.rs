//! What runs: PostgreSQL, NATS and the nodes, each of which can be killed and started again.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use agentchat_launch::{Nats, Postgres, PostgresSettings, free_port};
use anyhow::{Context, anyhow};
use clap::builder::TypedValueParser as _;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::outage::Target;
use crate::process::{Launch, Server, ServerChoice, Service};

const DATABASE: &str = "agentchat";

/// Where the nodes keep their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Engine {
    /// In the folder of the only node
    Sqlite,
    /// In one PostgreSQL that all nodes share
    Postgres,
}

/// What is started.
#[derive(Args, Clone, Debug)]
pub(crate) struct Shape {
    /// Number of nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=64).map(usize::from))]
    pub nodes: usize,
    /// Where they keep their data; SQLite has one node
    #[arg(long, value_enum, default_value = "postgres")]
    pub engine: Engine,
    /// Put PostgreSQL on the disk, every commit synced; otherwise it is in memory
    #[arg(long)]
    pub durable: bool,
    /// Keep the nodes' logs here, as node-0.log and so on
    #[arg(long, value_name = "DIR")]
    pub logs: Option<PathBuf>,
}

/// A running installation; everything ends with it.
#[derive(Debug)]
pub(crate) struct Installation {
    nodes: Vec<Mutex<Server>>,
    nats: Option<Nats>,
    postgres: Option<Postgres>,
}

impl Installation {
    /// Starts everything; the nodes all at once, as a deployment would. A single node needs no NATS.
    pub(crate) fn start(choice: &ServerChoice, shape: &Shape, flags: &[&str]) -> anyhow::Result<Self> {
        let postgres = (shape.engine == Engine::Postgres).then(|| database(choice, shape.durable));
        let nats = (postgres.is_some() && shape.nodes > 1).then(Nats::start);
        let count = if postgres.is_some() { shape.nodes } else { 1 };
        let mut flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        flags.extend(postgres.iter().map(|postgres| format!("--database-url={}", postgres.url(DATABASE))));
        flags.extend(nats.iter().map(|nats| format!("--nats-url={}", nats.url())));
        let launches: Vec<Launch> =
            (0..count).map(|number| launch(choice, shape, &flags, number)).collect::<anyhow::Result<_>>()?;
        let nodes = all(launches)?.into_iter().map(Mutex::new).collect();
        Ok(Self { nodes, nats, postgres })
    }

    /// What a load needs to know.
    pub(crate) fn service(&self) -> Service {
        let nodes: Vec<Service> = (0..self.nodes.len()).map(|number| self.node(number).service()).collect();
        Service {
            addresses: nodes.iter().flat_map(|node| node.addresses.clone()).collect(),
            admin_token: nodes[0].admin_token.clone(),
            servers: nodes.iter().flat_map(|node| node.servers.clone()).collect(),
            postgres: self.postgres.as_ref().and_then(Postgres::id),
            nats: self.nats.as_ref().and_then(Nats::id),
        }
    }

    /// Kills a part with -9.
    pub(crate) fn kill(&self, target: Target) -> anyhow::Result<()> {
        match target {
            Target::Node(number) => self.node(number).kill()?,
            Target::Nats => self.nats()?.kill(),
            Target::Postgres => self.postgres()?.kill(),
        }
        Ok(())
    }

    /// Starts a part that was killed, where it was.
    pub(crate) fn start_again(&self, target: Target) -> anyhow::Result<()> {
        match target {
            Target::Node(number) => drop(self.node(number).start_again()?),
            Target::Nats => self.nats()?.start_again(),
            Target::Postgres => self.postgres()?.start_again(),
        }
        Ok(())
    }

    /// The last lines of all nodes' logs.
    pub(crate) fn log_tails(&self) -> String {
        let tails = (0..self.nodes.len()).map(|number| format!("node {number}:\n{}", self.node(number).log_tail()));
        tails.collect::<Vec<_>>().join("\n")
    }

    fn node(&self, number: usize) -> MutexGuard<'_, Server> {
        self.nodes[number].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nats(&self) -> anyhow::Result<&Nats> {
        self.nats.as_ref().context("this installation has no NATS")
    }

    fn postgres(&self) -> anyhow::Result<&Postgres> {
        self.postgres.as_ref().context("this installation has no PostgreSQL")
    }
}

/// In memory, or in the folder that is measured.
fn database(choice: &ServerChoice, durable: bool) -> Postgres {
    let folder = durable.then(|| choice.parent_folder());
    // What a machine of this size would be given.
    let settings = [("shared_buffers", "256MB"), ("max_wal_size", "1GB")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let postgres = Postgres::start(PostgresSettings { folder, durable, settings });
    postgres.create(DATABASE);
    postgres
}

fn launch(choice: &ServerChoice, shape: &Shape, flags: &[String], number: usize) -> anyhow::Result<Launch> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let launch = choice.launch()?.listen(address).flags(flags.iter().cloned());
    let Some(folder) = &shape.logs else { return Ok(launch) };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(launch.log(folder.join(format!("node-{number}.log"))))
}

fn all(launches: Vec<Launch>) -> anyhow::Result<Vec<Server>> {
    let starting: Vec<_> = launches.into_iter().map(|launch| std::thread::spawn(move || launch.start())).collect();
    let started = starting.into_iter().map(|one| one.join().map_err(|_| anyhow!("a start panicked"))?);
    started.collect()
}
