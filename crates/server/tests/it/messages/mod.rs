//! `/v1/messages`: sending, history, sync, read, hide.

mod expiry;
mod groups;
mod hide;
mod history;
mod long_poll;
mod loop_guard;
mod read;
mod refusals;
mod replay;
mod send;
mod sync;
mod trace;
