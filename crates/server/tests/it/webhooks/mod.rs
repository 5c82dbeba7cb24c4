//! Webhooks from outside: managed, told of events, called.

mod calls;
mod circuit;
mod events;
mod management;
mod sink;
mod waking;
