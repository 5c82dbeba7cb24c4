//! The server from outside: configuration, HTTP frame, start and shutdown.

mod config;
