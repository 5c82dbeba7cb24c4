//! Messages pushed over a WebSocket: in order within a conversation, each handled once, acknowledged after it was
//! handled.
//!
//! [`RealtimeBuilder`] opens a connection that is kept until it is closed. [`Realtime`] steers it, [`Events`] is its
//! stream and the handler of its messages: a [`Delivery`] that is acknowledged is settled, one that is dropped is
//! offered again. [`machine`] holds every decision and no I/O.

mod builder;
mod client_frame;
mod delivery;
mod driver;
mod event;
mod events;
mod frame;
mod handle;
pub mod machine;
mod own_sends;
mod queue;
mod socket;
mod websocket;

pub use builder::{RealtimeBuilder, ReconnectPolicy};
pub use client_frame::ClientFrame;
pub use delivery::Delivery;
pub use event::{CloseReport, Connected, Disconnected, DrainReport, Event, RawFrame, SequenceGap};
pub use events::Events;
pub use handle::{Realtime, State};
pub use machine::{GapReason, Origin, Tuning};
pub use socket::{Inbound, OpenFailure, Socket, SocketConnector, SocketFailure, SocketLimits};

pub(crate) use own_sends::OwnSends;
