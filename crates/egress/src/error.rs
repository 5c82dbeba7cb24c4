//! Why a call came to nothing.

use std::io;

/// Why there is no answer; the text is short and says nothing that its reader may not know.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The URL is none that may be called.
    #[error("{0}")]
    Url(&'static str),
    /// The host is, or stands for, an address that may not be called.
    #[error("address not allowed")]
    NotAllowed,
    /// The host's name stands for nothing, or could not be asked for.
    #[error("the host name cannot be resolved")]
    Resolve(#[source] io::Error),
    /// Nobody answers there.
    #[error("cannot connect: {}", .0.kind())]
    Connect(#[source] io::Error),
    /// The other side cannot show that it is the host.
    #[error("TLS: {0}")]
    Tls(#[source] io::Error),
    /// The connection broke, or what came back is not HTTP.
    #[error("no valid response: {0}")]
    Exchange(#[from] hyper::Error),
    /// It took too long.
    #[error("timed out after {0} s")]
    Timeout(u64),
}
