//! Where NATS is, as operators write it.

use std::fmt;
use std::path::PathBuf;

use async_nats::ServerAddr;

use crate::BusError;

/// Where NATS is, and whose wake-ups these are. `Debug` leaves users, passwords and tokens out.
#[derive(Clone)]
pub struct NatsOptions {
    /// `nats://host:4222`, `tls://…` to insist on TLS, or several of one cluster separated by commas, tried in any
    /// order; only those named are used. Credentials stand before the host, percent-encoded: `user:password@` or
    /// `token@`; one address that has them is enough. `?sslrootcert=FILE` names the certificates (PEM) to trust instead
    /// of the system's.
    pub url: String,
    /// The installation that the nodes have in common: 1 to 64 letters, digits, `-` and `_`. Several installations may
    /// share a NATS.
    pub installation: String,
}

impl fmt::Debug for NatsOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = Servers::parse(&self.url).map_or_else(|_| "invalid".into(), |servers| servers.to_string());
        let mut debug = formatter.debug_struct("NatsOptions");
        debug.field("url", &servers).field("installation", &self.installation).finish()
    }
}

/// What a URL says. The addresses carry no credentials any more, so nobody can log them by mistake; `Display` lists
/// hosts and ports.
pub(super) struct Servers {
    pub(super) addresses: Vec<ServerAddr>,
    pub(super) credentials: Option<Credentials>,
    pub(super) certificates: Option<PathBuf>,
    /// Without TLS a server is not talked to.
    pub(super) insist_on_tls: bool,
}

#[derive(PartialEq)]
pub(super) enum Credentials {
    Password { user: String, password: String },
    Token(String),
}

impl Servers {
    pub(super) fn parse(url: &str) -> Result<Servers, BusError> {
        let mut servers =
            Servers { addresses: Vec::new(), credentials: None, certificates: None, insist_on_tls: false };
        for (index, address) in url.split(',').enumerate() {
            servers.add(address.trim(), index + 1)?;
        }
        Ok(servers)
    }

    fn add(&mut self, address: &str, position: usize) -> Result<(), BusError> {
        let wrong = |reason: String| BusError::Address { position, reason };
        let address: ServerAddr = address.parse().map_err(|error: std::io::Error| wrong(error.to_string()))?;
        if !matches!(address.scheme(), "nats" | "tls") {
            return Err(wrong(format!("the scheme {} is not served", address.scheme())));
        }
        if address.host().is_empty() {
            return Err(wrong("it names no host".into()));
        }
        self.take_credentials(&address, position)?;
        self.take_parameters(&address, position)?;
        self.insist_on_tls |= address.tls_required();
        self.addresses.push(bare(&address).map_err(|error| wrong(error.to_string()))?);
        Ok(())
    }

    fn take_credentials(&mut self, address: &ServerAddr, position: usize) -> Result<(), BusError> {
        let decode = |text| {
            let reason = "its credentials are not percent-encoded UTF-8".into();
            decode(text).ok_or(BusError::Address { position, reason })
        };
        let found = match (address.username(), address.password()) {
            (Some(user), Some(password)) => Credentials::Password { user: decode(user)?, password: decode(password)? },
            (Some(token), None) => Credentials::Token(decode(token)?),
            (None, Some(_)) => {
                return Err(BusError::Address { position, reason: "it has a password without a user".into() });
            }
            (None, None) => return Ok(()),
        };
        if self.credentials.as_ref().is_some_and(|other| *other != found) {
            return Err(BusError::Credentials);
        }
        self.credentials = Some(found);
        Ok(())
    }

    fn take_parameters(&mut self, address: &ServerAddr, position: usize) -> Result<(), BusError> {
        let url = address.clone().into_inner();
        for (name, value) in url.query_pairs() {
            if name != "sslrootcert" {
                return Err(BusError::Address { position, reason: format!("the parameter {name:?} is unknown") });
            }
            let path = PathBuf::from(value.as_ref());
            std::fs::File::open(&path).map_err(|source| BusError::Certificates { path: path.clone(), source })?;
            self.certificates = Some(path);
        }
        Ok(())
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, address) in self.addresses.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(formatter, "{comma}{}", address.as_url_str())?;
        }
        Ok(())
    }
}

/// Scheme, host and port alone.
fn bare(address: &ServerAddr) -> std::io::Result<ServerAddr> {
    let host = address.host();
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!("{}://{host}:{}", address.scheme(), address.port()).parse()
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        Servers::parse(url).err().unwrap_or_else(|| panic!("{url} is taken")).to_string()
    }

    #[test]
    fn addresses_lose_their_credentials() {
        let servers = Servers::parse("nats://berta:p%40ss%2C1@one:4333, tls://[::1]").unwrap();
        assert_eq!(servers.to_string(), "nats://one:4333,tls://[::1]:4222");
        assert!(servers.insist_on_tls);
        let Some(Credentials::Password { user, password }) = servers.credentials else { panic!("no password") };
        assert_eq!((user.as_str(), password.as_str()), ("berta", "p@ss,1"));
        let addresses = format!("{:?}", servers.addresses);
        assert!(!addresses.contains("berta") && !addresses.contains("p%40"), "{addresses}");
    }

    #[test]
    fn a_name_without_password_is_a_token() {
        let servers = Servers::parse("nats://s3cret@one").unwrap();
        assert!(matches!(servers.credentials, Some(Credentials::Token(token)) if token == "s3cret"));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        assert!(refused("").contains("address 1"));
        assert!(refused("nats://one,ws://two").contains("address 2 of NATS is wrong: the scheme ws"));
        assert!(refused("nats://one?tls=no").contains("\"tls\" is unknown"));
        assert!(refused("nats://one?sslrootcert=/nowhere.pem").contains("/nowhere.pem"));
        for url in ["nats://ann:s3cret@one:port", "nats://a:s3cret@one,nats://b:other@two", "nats://a%zz:s3cret@one"] {
            assert!(!refused(url).contains("s3cret"), "{url}");
        }
    }

    #[test]
    fn debug_tells_hosts_alone() {
        let options = |url: &str| NatsOptions { url: url.into(), installation: "main".into() };
        let shown = format!("{:?}", options("nats://ann:s3cret@one,tls://two:99"));
        assert_eq!(shown, r#"NatsOptions { url: "nats://one:4222,tls://two:99", installation: "main" }"#);
        assert!(!format!("{:?}", options("nats://ann:s3cret,x@one")).contains("s3cret"));
    }
}
