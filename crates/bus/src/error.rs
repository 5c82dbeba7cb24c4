use std::path::PathBuf;

/// Why a bus cannot be had. None of these passes by itself, and none tells a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BusError {
    /// The name would not be one token of a NATS subject.
    #[error(
        "the installation's name {0:?} does not fit into NATS subjects: use 1 to 64 letters, digits, `-` and `_` of ASCII"
    )]
    Installation(String),
    /// One of the addresses, counted from 1.
    #[error("address {position} of NATS is wrong: {reason}; expected nats://host:port or tls://host:port")]
    Address { position: usize, reason: String },
    /// NATS asks for the same credentials at each of its servers.
    #[error("the addresses of NATS differ in user, password or token: all servers must take the same")]
    Credentials,
    /// The file of `sslrootcert`.
    #[error("cannot read the certificates {path} that NATS is to be trusted by: {source}", path = path.display())]
    Certificates { path: PathBuf, source: std::io::Error },
    /// The client does not start.
    #[error("cannot start the NATS client: {0}")]
    Client(#[from] async_nats::ConnectError),
}
