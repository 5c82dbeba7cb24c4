//! What only a shared database can do to an operation.

mod conflicts;
mod crowd;
mod encryption;
mod outage;
mod pooler;
mod refusals;
