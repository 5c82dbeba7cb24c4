//! Requests: what goes out, what comes back, what is repeated.

mod answers;
mod requests;
mod retries;
mod scripted;
mod wire;
