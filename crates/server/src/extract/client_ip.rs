//! The client's address: the peer, or what a trusted proxy says about it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use ipnet::IpNet;

use super::body::check_size;
use crate::app::App;
use crate::error::{AppError, Result};
use crate::layers::Arrival;

/// The address that IP policies count for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientIp {
    address: IpAddr,
    exempt: bool,
}

impl ClientIp {
    /// The address itself.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// A loopback peer of a server without trusted proxies: no IP policy applies.
    pub(crate) fn is_exempt(&self) -> bool {
        self.exempt
    }

    /// Reads the address from the peer and, if that is trusted, from `X-Forwarded-For`.
    pub(crate) fn find(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let peer = peer.to_canonical();
        let address = if is_trusted(peer, trusted) { forwarded(headers, trusted).unwrap_or(peer) } else { peer };
        Self { address, exempt: trusted.is_empty() && peer.is_loopback() }
    }
}

impl FromRequestParts<App> for ClientIp {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        check_size(parts, app)?;
        // Without a peer (a request made in process) nobody but ourselves can be asking.
        let peer =
            parts.extensions.get::<Arrival>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |arrival| arrival.peer.ip());
        Ok(Self::find(peer, &parts.headers, &app.config.trusted_proxies))
    }
}

/// The right-most entry that is no trusted proxy. An entry that is no address ends the search: what stands
/// left of it was not written by a proxy we trust.
fn forwarded(headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let values: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or("")).collect();
    let entries = values.iter().rev().flat_map(|value| value.rsplit(','));
    let mut nearest = None;
    for entry in entries {
        let Some(address) = parse(entry.trim()) else { break };
        nearest = Some(address);
        if !is_trusted(address, trusted) {
            break;
        }
    }
    nearest
}

/// An address, alone or with a port.
fn parse(entry: &str) -> Option<IpAddr> {
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> ClientIp {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        ClientIp::find(peer.parse().unwrap(), &headers, &trusted)
    }

    fn address(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        client(peer, forwarded, trusted).address().to_string()
    }

    #[test]
    fn nobody_is_believed_unless_trusted() {
        assert_eq!(address("203.0.113.9", &["198.51.100.1"], &[]), "203.0.113.9");
        assert_eq!(address("203.0.113.9", &["198.51.100.1"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn the_right_most_untrusted_entry_counts() {
        let trusted = ["10.0.0.0/8", "127.0.0.1/32"];
        assert_eq!(address("127.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.7"], &trusted), "198.51.100.1");
        assert_eq!(address("127.0.0.1", &["1.1.1.1", "198.51.100.1", "10.0.0.7"], &trusted), "198.51.100.1");
        assert_eq!(address("127.0.0.1", &["198.51.100.1:4711"], &trusted), "198.51.100.1");
        assert_eq!(address("127.0.0.1", &["[2001:db8::1]"], &trusted), "2001:db8::1");
    }

    #[test]
    fn nothing_left_of_nonsense_is_believed() {
        let trusted = ["127.0.0.1/32"];
        assert_eq!(address("127.0.0.1", &["198.51.100.1, unknown"], &trusted), "127.0.0.1");
        assert_eq!(address("127.0.0.1", &[""], &trusted), "127.0.0.1");
        assert_eq!(address("127.0.0.1", &[], &trusted), "127.0.0.1");
    }

    #[test]
    fn loopback_is_exempt_only_without_proxies() {
        assert!(client("127.0.0.1", &[], &[]).is_exempt());
        assert!(client("::ffff:127.0.0.1", &[], &[]).is_exempt());
        assert!(client("::1", &[], &[]).is_exempt());
        assert!(!client("203.0.113.9", &[], &[]).is_exempt());
        assert!(!client("127.0.0.1", &[], &["10.0.0.0/8"]).is_exempt());
    }
}
