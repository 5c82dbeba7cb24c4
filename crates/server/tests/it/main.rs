//! The server from outside: configuration, HTTP frame, start and shutdown.

mod accounts;
mod admin;
mod agents;
mod bodies;
mod client;
mod config;
mod conformance;
mod contacts;
mod conversations;
mod directory;
mod enforcement;
mod frame;
mod groups;
mod idempotency;
mod keys;
mod lifecycle;
mod limits;
mod messages;
mod mutes;
mod nodes;
mod presence;
mod realtime;
mod replies;
mod service;
mod stage;
