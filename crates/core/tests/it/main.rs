//! The rules, on a real store.

mod messages;
mod world;
