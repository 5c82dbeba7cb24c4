//! The generator's own clients: just enough HTTP/1.1 and WebSocket for a hot loop.

pub mod http;
pub mod scan;
pub mod template;
pub mod websocket;

use std::io;

pub(crate) fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

pub(crate) fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")
}
