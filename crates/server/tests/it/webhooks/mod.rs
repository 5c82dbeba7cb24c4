//! Webhooks from outside: managed, told of events, called.

mod events;
mod management;
