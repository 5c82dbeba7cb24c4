//! Which addresses are everybody's, against the contract's list spelled out a second time.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use agentchat_egress::is_public;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: [u8; 16]| {
    let four = Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]);
    if refused(four) {
        assert!(!is_public(IpAddr::V4(four)), "{four}");
        let [a, b, c, d] = four.octets();
        let mapped = four.to_ipv6_mapped();
        assert!(!is_public(IpAddr::V6(mapped)), "{mapped}");
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let six_to_four = Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1);
        assert!(!is_public(IpAddr::V6(six_to_four)), "{six_to_four}");
        let teredo = Ipv6Addr::new(0x2001, 0, 0x0808, 0x0808, 0, 0, !high, !low);
        assert!(!is_public(IpAddr::V6(teredo)), "{teredo}");
    }
    let six = Ipv6Addr::from(bytes);
    if refused_six(six) {
        assert!(!is_public(IpAddr::V6(six)), "{six}");
    }
});

fn refused(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    match a {
        0 | 10 | 127 | 224..=255 => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)),
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    }
}

fn refused_six(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    address.is_unspecified()
        || address.is_loopback()
        || parts[0] & 0xfe00 == 0xfc00
        || parts[0] & 0xffc0 == 0xfe80
        || parts[0] & 0xff00 == 0xff00
        || (parts[0] == 0x2001 && parts[1] == 0x0db8)
        || parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0]
}
