//! URLs that may be called, against the reading of browsers: no reader may see another host than the one that was checked.
#![no_main]

use std::net::IpAddr;

use agentchat_egress::{Guard, check_url, is_public};
use libfuzzer_sys::fuzz_target;
use url::{Host, Url};

fuzz_target!(|text: &str| {
    let Ok(accepted) = check_url(text, Guard::Public) else { return };
    assert_eq!(check_url(&accepted, Guard::Public).as_ref(), Ok(&accepted));
    // What browsers cannot read is called by nobody else either.
    let Ok(url) = Url::parse(&accepted) else { return };
    assert_eq!(url.scheme(), "https", "{accepted:?}");
    assert!(url.username().is_empty() && url.password().is_none(), "{accepted:?}");
    assert!(matches!(url.port(), None | Some(1024..)), "{accepted:?}");
    let address = match url.host() {
        Some(Host::Ipv4(four)) => IpAddr::V4(four),
        Some(Host::Ipv6(six)) => IpAddr::V6(six),
        _ => return,
    };
    assert!(is_public(address), "{accepted:?}");
});
