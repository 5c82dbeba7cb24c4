//! A nats-server of a test's own.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::port::free_port;
use crate::watchdog::Watched;

const PATIENCE: Duration = Duration::from_secs(20);

/// One nats-server on loopback. It is killed when the value is dropped, and when our process ends in whatever way.
#[derive(Debug)]
pub struct Nats {
    port: u16,
    arguments: Vec<String>,
    server: Mutex<Option<Watched>>,
}

impl Nats {
    /// A server that wants no credentials, ready to be connected to.
    pub fn start() -> Nats {
        Nats::start_with(&[])
    }

    /// A server with further arguments of the command line, such as `--user`, `--auth`, `--tls` or `--config`.
    pub fn start_with(arguments: &[&str]) -> Nats {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let port = free_port();
            if let Some(server) = launch(port, &arguments) {
                return Nats { port, arguments, server: Mutex::new(Some(server)) };
            }
            assert!(Instant::now() < deadline, "nats-server does not start with {arguments:?}");
        }
    }

    /// `nats://127.0.0.1:PORT`, without credentials.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// Where it listens, to put a [`Gate`](crate::Gate) before it.
    pub fn address(&self) -> SocketAddr {
        address(self.port)
    }

    /// Its process id while it runs.
    pub fn id(&self) -> Option<u32> {
        self.lock().as_ref().map(Watched::id)
    }

    /// Kills it with SIGKILL, as a crash would.
    pub fn kill(&self) {
        self.stop();
    }

    /// Ends it and waits until it is gone. The server keeps nothing, so this is no gentler than [`Nats::kill`].
    pub fn stop(&self) {
        drop(self.lock().take());
    }

    /// Starts it again on the same port, with the same arguments.
    pub fn start_again(&self) {
        self.stop();
        let deadline = Instant::now() + PATIENCE;
        let mut server = self.lock();
        while server.is_none() {
            assert!(Instant::now() < deadline, "nats-server does not start again on port {}", self.port);
            *server = launch(self.port, &self.arguments);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Watched>> {
        self.server.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// `None` when the server ended at once: somebody else took the port.
fn launch(port: u16, arguments: &[String]) -> Option<Watched> {
    let name = format!("test-{}-{port}", std::process::id());
    let mut command = Command::new("nats-server");
    command.args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--name", &name]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = Watched::spawn(&mut command).unwrap_or_else(|error| {
        panic!("nats-server does not run ({error}): `cargo xtask test` installs it, or Debian's package nats-server")
    });
    let deadline = Instant::now() + PATIENCE;
    while !answers(port, &name) {
        if server.has_ended() {
            return None;
        }
        assert!(Instant::now() < deadline, "nats-server does not answer on port {port}");
        sleep(Duration::from_millis(5));
    }
    Some(server)
}

/// Whether the server that listens there is the one of this name, not one of another test process.
fn answers(port: u16, name: &str) -> bool {
    let Ok(stream) = TcpStream::connect(address(port)) else { return false };
    let mut info = String::new();
    let limited = stream.set_read_timeout(Some(Duration::from_secs(1)));
    limited.is_ok() && BufReader::new(stream).read_line(&mut info).is_ok() && info.contains(name)
}
