//! Wake-ups between the nodes of one installation.
//!
//! The store is the truth, the bus a hint: what is published may be lost, doubled or late, and costs latency then,
//! never a message. [`Local`] is for one node, where there is nobody to tell; [`Nats`] speaks core NATS.

use bytes::Bytes;

/// What a payload concerns. Nodes take interest in a subject only while somebody is there for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// An agent, by its key in the store.
    Agent(i64),
    /// An owner, by its key in the store.
    Owner(i64),
    /// Every node.
    All,
}

/// Whether payloads reach other nodes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// There are no other nodes.
    Alone,
    Up,
    /// Payloads are lost in both directions.
    Lost,
}

/// A way to tell other nodes. Nothing here blocks or fails: what cannot be told is lost.
pub trait Bus: Send + Sync + std::fmt::Debug + 'static {
    /// Tells every other node that takes an interest in `subject`; never this one.
    fn publish(&self, subject: Subject, payload: Bytes);
    /// Takes an interest in a subject, until [`Bus::leave`]. Joining twice is joining once.
    fn join(&self, subject: Subject);
    /// Loses the interest.
    fn leave(&self, subject: Subject);
    /// Whether payloads reach other nodes now.
    fn health(&self) -> Health;
}
