//! The rules, on a real store.

mod accounts;
mod agents;
mod ground;
mod messages;
mod nodes;
mod world;
