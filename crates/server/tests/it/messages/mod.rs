//! `/v1/messages`: sending, history, sync, read, hide.

mod hide;
mod history;
mod long_poll;
mod read;
mod refusals;
mod replay;
mod send;
mod sync;
