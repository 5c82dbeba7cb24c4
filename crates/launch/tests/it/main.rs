//! What is started must stop.

mod gate;
mod nats;
mod postgres;
mod store;
