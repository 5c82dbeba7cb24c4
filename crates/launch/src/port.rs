//! Ports for servers that are killed and started again.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that the system hands out by itself: nobody takes a server's between its end and its next start,
/// not even a client that, trying to reach it, would otherwise sooner or later reach itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// One of 127.0.0.1 that is free now, each time another. Every process begins elsewhere in the range, so that test
/// processes at work at once seldom meet.
#[must_use]
pub fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let begin = std::process::id().wrapping_mul(61);
    loop {
        let offset = begin.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed).into());
        let port = PORTS.start + (offset % u32::from(PORTS.end - PORTS.start)) as u16;
        if TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok() {
            return port;
        }
    }
}
