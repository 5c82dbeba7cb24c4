//! The rules, on a real store.

mod accounts;
mod agents;
mod contacts;
mod directory;
mod enforcement;
mod ground;
mod idempotency;
mod messages;
mod mutes;
mod nodes;
mod world;
