//! What is started must stop.

mod postgres;
mod store;
