//! A load balancer of the simplest kind before the nodes: it passes TCP connections on.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// One entry a node. Entry *i* passes a connection on to node *i*, or, when that refuses, to the next that takes it.
/// When one side closes, so does the other. Ends with the value.
pub(crate) struct Balancer {
    entries: Vec<SocketAddr>,
    _accepting: JoinSet<()>,
}

impl Balancer {
    /// Entries on free ports; the nodes need not listen yet.
    pub(crate) async fn before(nodes: &[SocketAddr]) -> std::io::Result<Self> {
        let mut accepting = JoinSet::new();
        let mut entries = Vec::new();
        for first in 0..nodes.len() {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            entries.push(listener.local_addr()?);
            let order = [&nodes[first..], &nodes[..first]].concat();
            accepting.spawn(accept(listener, order));
        }
        Ok(Self { entries, _accepting: accepting })
    }

    /// The base URL through which a client comes to this node first; numbers beyond the last begin again.
    pub(crate) fn url(&self, number: usize) -> String {
        format!("http://{}", self.entries[number % self.entries.len()])
    }
}

async fn accept(listener: TcpListener, nodes: Vec<SocketAddr>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        if let Ok((client, _)) = accepted {
            connections.spawn(pass(client, nodes.clone()));
        }
    }
}

/// Whoever closed, and why, shows at the other side as a closed connection.
async fn pass(mut client: TcpStream, nodes: Vec<SocketAddr>) {
    let Some(mut node) = first_that_takes(&nodes).await else { return };
    if client.set_nodelay(true).and(node.set_nodelay(true)).is_err() {
        return;
    }
    let (mut from_client, mut to_client) = client.split();
    let (mut from_node, mut to_node) = node.split();
    tokio::select! {
        _ = copy(&mut from_client, &mut to_node) => {}
        _ = copy(&mut from_node, &mut to_client) => {}
    }
}

async fn first_that_takes(nodes: &[SocketAddr]) -> Option<TcpStream> {
    for node in nodes {
        if let Ok(stream) = TcpStream::connect(node).await {
            return Some(stream);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn connect(balancer: &Balancer, number: usize) -> TcpStream {
        let url = balancer.url(number);
        TcpStream::connect(url.trim_start_matches("http://")).await.unwrap()
    }

    #[tokio::test]
    async fn the_next_node_takes_over_and_a_close_reaches_the_client() {
        let refusing = SocketAddr::from((Ipv4Addr::LOCALHOST, agentchat_launch::free_port()));
        let node = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let balancer = Balancer::before(&[refusing, node.local_addr().unwrap()]).await.unwrap();
        for number in 0..2 {
            let mut client = connect(&balancer, number).await;
            let (mut served, _) = node.accept().await.unwrap();
            client.write_all(b"ask").await.unwrap();
            let mut asked = [0; 3];
            served.read_exact(&mut asked).await.unwrap();
            served.write_all(&asked).await.unwrap();
            drop(served);
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "ask");
        }
    }

    #[tokio::test]
    async fn a_client_is_turned_away_when_no_node_is_there() {
        let refusing = SocketAddr::from((Ipv4Addr::LOCALHOST, agentchat_launch::free_port()));
        let balancer = Balancer::before(&[refusing]).await.unwrap();
        let mut client = connect(&balancer, 0).await;
        assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0);
    }
}
