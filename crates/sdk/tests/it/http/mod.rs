//! Requests: what goes out, what comes back, what is repeated.

mod answers;
mod requests;
mod retries;
pub(crate) mod scripted;
mod wire;
