//! Wake-ups between the nodes of one installation.
//!
//! The store is the truth, the bus a hint: what is published may be lost, doubled or late, and costs latency then,
//! never a message. Payloads of one subject from one node come in the order in which it published them, but for rare
//! moments (see [`Nats`]); nothing is promised about the order of different subjects.
//!
//! * [`Bus`] is what a node sees of it, [`Subject`] what a payload concerns, [`Health`] whether payloads get through;
//! * [`Local`] is for one node, where there is nobody to tell;
//! * [`Nats`] speaks core NATS (nats-server 2.2 or newer; no JetStream).
//!
//! ```no_run
//! use agentchat_bus::{Bus, Nats, NatsOptions, Subject};
//!
//! # async fn example() -> Result<(), agentchat_bus::BusError> {
//! let options = NatsOptions { url: "nats://localhost".into(), installation: "main".into() };
//! let bus = Nats::connect(options, |subject, payload| println!("{subject:?}: {} bytes", payload.len())).await?;
//! bus.join(Subject::Agent(7));
//! bus.joined().await;
//! bus.publish(Subject::Agent(8), "look into the store".into());
//! # Ok(())
//! # }
//! ```

mod error;
mod local;
mod nats;

use std::pin::Pin;

use bytes::Bytes;

pub use error::BusError;
pub use local::Local;
pub use nats::{Nats, NatsOptions, Traffic};

/// What a payload concerns. Nodes take interest in a subject only while somebody is there for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// An agent, by its key in the store.
    Agent(i64),
    /// An owner, by its key in the store.
    Owner(i64),
    /// Every node, always.
    All,
}

/// Whether payloads reach other nodes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// There are no other nodes.
    Alone,
    /// The bus is there, and knows of every subject that was joined before it came back.
    Up,
    /// Payloads are lost in both directions.
    Lost,
}

/// Comes to `true` once publications of other nodes cannot be missed any more, `false` when that took too long.
pub type Joined<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// A way to tell other nodes. Nothing here blocks or fails: what cannot be told is lost.
pub trait Bus: Send + Sync + std::fmt::Debug + 'static {
    /// Tells every other node that takes an interest in `subject`; never this one. Lost while the bus is
    /// [`Health::Lost`], when more waits to be sent than may, or when the payload is larger than the bus takes.
    fn publish(&self, subject: Subject, payload: Bytes);
    /// Takes an interest in a subject, until [`Bus::leave`]. Joining twice is joining once. Other nodes' payloads come
    /// in from a little later on; [`Bus::joined`] waits for that moment.
    fn join(&self, subject: Subject);
    /// Loses the interest; nothing comes in for the subject from now on, but what is coming in this very moment.
    fn leave(&self, subject: Subject);
    /// Waits until everything joined so far takes effect, at most about two seconds. Whoever then reads the store
    /// misses nothing: what was committed before is read, what comes after is told.
    fn joined(&self) -> Joined<'_>;
    /// Whether payloads reach other nodes now.
    fn health(&self) -> Health;
}
