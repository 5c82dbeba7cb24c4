//! The client's address: the peer, or what a trusted proxy says about it.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use ipnet::IpNet;

use crate::app::App;
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
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
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
