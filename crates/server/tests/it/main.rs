//! The server from outside: configuration, HTTP frame, start and shutdown.

mod accounts;
mod admin;
mod agents;
mod bodies;
mod client;
mod config;
mod conformance;
mod conversations;
mod frame;
mod idempotency;
mod keys;
mod lifecycle;
mod limits;
mod messages;
mod nodes;
mod realtime;
mod service;
mod stage;
