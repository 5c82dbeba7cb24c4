//! The server from outside: configuration, HTTP frame, start and shutdown.

mod client;
mod config;
mod frame;
mod lifecycle;
mod service;
