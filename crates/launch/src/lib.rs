//! Starts PostgreSQL and NATS for tests and measurements.

mod gate;
mod nats;
mod postgres;
mod store;
