//! The realtime machine, and the task that executes it.

mod acks;
mod connection;
mod drain;
mod driver;
mod gaps;
mod order;
mod random;
mod scenario;
mod shutdown;
mod websocket;
