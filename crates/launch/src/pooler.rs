//! A pooler in front of PostgreSQL, for one test.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Postgres;
use crate::port::free_port;
use crate::program::Account;
use crate::watchdog::Watched;

const PATIENCE: Duration = Duration::from_secs(20);

/// `PgBouncer` in transaction mode: every transaction gets whichever of its two connections to the server is free, and
/// parameters of sessions are refused. Killed with this value or with the process.
#[derive(Debug)]
pub struct Pooler {
    port: u16,
    _server: Watched,
    _folder: tempfile::TempDir,
}

impl Pooler {
    /// One in front of all databases of a server.
    ///
    /// # Panics
    /// When `PgBouncer` is not installed or does not start.
    #[must_use]
    pub fn before(postgres: &Postgres) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "PgBouncer does not start");
            if let Some(pooler) = Self::launch(postgres.port(), deadline) {
                return pooler;
            }
        }
    }

    /// `postgres://postgres@127.0.0.1:PORT/DATABASE`, through the pooler.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// `None` when somebody else took the port.
    fn launch(behind: u16, deadline: Instant) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let file = configuration(folder.path(), port, behind);
        let mut command = Command::new("pgbouncer");
        command.arg("--quiet").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(account) = Account::needed() {
            // It refuses to be root as well.
            account.own(folder.path());
            account.run(&mut command);
        }
        let mut server = Watched::spawn(&mut command).unwrap_or_else(|error| {
            panic!("pgbouncer does not run ({error}): `cargo xtask test` installs it (Debian package pgbouncer)")
        });
        while TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_err() {
            if server.has_ended() || Instant::now() > deadline {
                return None;
            }
            sleep(Duration::from_millis(5));
        }
        Some(Self { port, _server: server, _folder: folder })
    }
}

fn configuration(folder: &Path, port: u16, behind: u16) -> PathBuf {
    let users = folder.join("users.txt");
    let file = folder.join("pgbouncer.ini");
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={behind} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = any\nauth_file = {}\npool_mode = transaction\n\
         default_pool_size = 2\n",
        users.display()
    );
    for (file, text) in [(&users, "\"postgres\" \"\"\n"), (&file, text.as_str())] {
        std::fs::write(file, text).expect("a temporary file");
    }
    file
}
