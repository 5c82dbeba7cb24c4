//! The rules, on a real store.

mod accounts;
mod agents;
mod attachments;
mod contacts;
mod directory;
mod enforcement;
mod ground;
mod groups;
mod idempotency;
mod messages;
mod model;
mod mutes;
mod nodes;
mod presence;
mod replies;
mod retention;
mod search;
mod support;
mod webhooks;
mod world;
