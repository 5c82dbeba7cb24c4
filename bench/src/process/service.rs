//! What a load is run against: a server, or nodes that share a database.

use std::net::SocketAddr;

use super::Usage;

/// Addresses for the load, process ids for the bill.
#[derive(Clone, Debug)]
pub struct Service {
    /// Where its nodes listen; at least one.
    pub addresses: Vec<SocketAddr>,
    /// The operator's token, the same everywhere.
    pub admin_token: String,
    /// Process ids of the nodes, as far as known.
    pub servers: Vec<u32>,
    /// Process id of the database's postmaster.
    pub postgres: Option<u32>,
    /// Process id of the nats-server.
    pub nats: Option<u32>,
}

/// What the parts of a service used up to now; none where a part is absent or not known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bill {
    /// All nodes together.
    pub servers: Option<Usage>,
    /// PostgreSQL with all its processes.
    pub postgres: Option<Usage>,
    /// NATS.
    pub nats: Option<Usage>,
}

impl Service {
    /// A node's address; numbers beyond the last begin again.
    #[must_use]
    pub fn address(&self, number: usize) -> SocketAddr {
        self.addresses[number % self.addresses.len()]
    }

    /// What was used up to now.
    ///
    /// # Errors
    ///
    /// When a process is gone.
    pub fn bill(&self) -> anyhow::Result<Bill> {
        let servers = self.servers.iter().map(|&pid| Usage::of(pid)).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Bill {
            servers: servers.into_iter().reduce(|sum, one| sum + one),
            postgres: self.postgres.map(Usage::of_family).transpose()?,
            nats: self.nats.map(Usage::of).transpose()?,
        })
    }
}
