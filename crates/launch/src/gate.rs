//! A TCP proxy that a test can turn into a broken network.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Passes TCP connections on to one address, until told otherwise. Ends with the value.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    open: bool,
    /// Counts [`Gate::sever`]; a connection ends when it differs from what it was at its beginning.
    severed: u64,
}

impl Gate {
    /// A gate on a free loopback port, open. `target` need not listen yet: it is connected to for each connection.
    pub async fn to(target: SocketAddr) -> Gate {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free loopback port");
        let address = listener.local_addr().expect("the address that was bound");
        let (state, watched) = watch::channel(State { open: true, severed: 0 });
        Gate { address, state, accepting: tokio::spawn(accept(listener, target, watched)) }
    }

    /// Where to connect to instead of the target.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A partition: connections stay open and new ones are accepted, but not a byte passes, not even the end.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.open = false);
    }

    /// Ends a partition; what waited passes.
    pub fn heal(&self) {
        self.state.send_modify(|state| state.open = true);
    }

    /// Closes all connections there are, those that wait included. New ones pass as before.
    pub fn sever(&self) {
        self.state.send_modify(|state| state.severed += 1);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, state: watch::Receiver<State>) {
    let mut connections = JoinSet::new();
    loop {
        let client = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        if let Ok((client, _)) = client {
            connections.spawn(serve(client, target, state.clone()));
        }
    }
}

async fn serve(client: TcpStream, target: SocketAddr, mut state: watch::Receiver<State>) {
    let severed = state.borrow().severed;
    let passing = pass(client, target, state.clone());
    // Whoever closed, and why, shows at the other side as a closed connection.
    tokio::select! {
        _ = passing => {}
        _ = state.wait_for(|state| state.severed != severed) => {}
    }
}

async fn pass(client: TcpStream, target: SocketAddr, mut state: watch::Receiver<State>) -> io::Result<()> {
    wait_until(&mut state, true).await;
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(pump(from_client, to_server, state.clone()), pump(from_server, to_client, state))?;
    Ok(())
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        wait_until(&mut state, true).await;
        let read = from.read(&mut buffer).await?;
        wait_until(&mut state, true).await;
        if read == 0 {
            return to.shutdown().await;
        }
        write(&mut to, &buffer[..read], &mut state).await?;
    }
}

/// Writes while the gate is open: a cut stops a write that waits for its reader as well.
async fn write(to: &mut OwnedWriteHalf, mut bytes: &[u8], state: &mut watch::Receiver<State>) -> io::Result<()> {
    while !bytes.is_empty() {
        wait_until(state, true).await;
        tokio::select! {
            biased;
            () = wait_until(state, false) => {}
            written = to.write(bytes) => bytes = &bytes[written?..],
        }
    }
    Ok(())
}

async fn wait_until(state: &mut watch::Receiver<State>, open: bool) {
    if state.wait_for(|state| state.open == open).await.is_err() {
        // The gate is gone, and this connection with it at the next opportunity.
        std::future::pending::<()>().await;
    }
}
