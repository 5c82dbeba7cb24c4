//! One node's end of the bus.

use std::time::Duration;

use agentchat_bus::{Bus, Health, Nats, NatsOptions, Subject};
use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Node {
    pub(crate) bus: Nats,
    incoming: UnboundedReceiver<(Subject, Bytes)>,
}

impl Node {
    /// A node of the installation `main` that has just begun, connected or not.
    pub(crate) async fn begin(url: &str) -> Node {
        Node::of("main", url).await
    }

    pub(crate) async fn of(installation: &str, url: &str) -> Node {
        let (sender, incoming) = unbounded_channel();
        let options = NatsOptions { url: url.into(), installation: installation.into() };
        let inbound = move |subject, payload| {
            let _ = sender.send((subject, payload));
        };
        Node { bus: Nats::connect(options, inbound).await.expect("the options are right"), incoming }
    }

    /// A node that is connected and has joined these subjects.
    pub(crate) async fn at(url: &str, subjects: &[Subject]) -> Node {
        let node = Node::begin(url).await;
        node.until(Health::Up).await;
        node.join(subjects).await;
        node
    }

    pub(crate) async fn join(&self, subjects: &[Subject]) {
        for &subject in subjects {
            self.bus.join(subject);
        }
        self.settle().await;
    }

    /// Waits until the server knows what is joined and left.
    pub(crate) async fn settle(&self) {
        let settled = async { while !self.bus.joined().await {} };
        timeout(PATIENCE, settled).await.expect("the server learns what is joined");
    }

    pub(crate) async fn until(&self, health: Health) {
        let mut changed = self.bus.changed();
        let reached = timeout(PATIENCE, changed.wait_for(|now| *now == health)).await;
        reached.unwrap_or_else(|_| panic!("never {health:?}")).expect("the bus is there");
    }

    pub(crate) fn publish(&self, subject: Subject, payload: impl Into<Bytes>) {
        self.bus.publish(subject, payload.into());
    }

    pub(crate) async fn next(&mut self) -> (Subject, Bytes) {
        timeout(PATIENCE, self.incoming.recv()).await.expect("a payload comes in").expect("the bus is there")
    }

    /// The next payload is this one, and nothing came before it.
    pub(crate) async fn expect(&mut self, subject: Subject, payload: impl Into<Bytes>) {
        assert_eq!(self.next().await, (subject, payload.into()));
    }

    /// Payloads go from `other` to here. What is on its way is left out; the first that is asked for is found.
    pub(crate) async fn hears(&mut self, other: &Node, subject: Subject, payload: &'static str) {
        other.publish(subject, payload);
        while self.next().await != (subject, Bytes::from(payload)) {}
    }

    /// Everything that came in until the bus was dropped.
    pub(crate) async fn rest(mut self) -> Vec<(Subject, Bytes)> {
        drop(self.bus);
        let mut rest = Vec::new();
        while let Some(came) = timeout(PATIENCE, self.incoming.recv()).await.expect("the bus lets go") {
            rest.push(came);
        }
        rest
    }
}
