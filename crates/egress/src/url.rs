//! URLs that agents name for calls.

use std::net::IpAddr;

use http::Uri;

use crate::Guard;
use crate::address::is_public;

/// Characters of a URL.
const LONGEST: usize = 2048;

/// A URL that may be called, as far as it says itself: https, no user, no fragment, port 443 or 1024–65535, no address
/// that is not public. What its name stands for is looked at when it is called. [`Guard::AllowPrivate`] lets pass http,
/// any port and any address.
///
/// # Errors
/// What is wrong with it, for its field.
pub fn check_url(text: &str, guard: Guard) -> Result<String, &'static str> {
    let text = text.trim();
    if text.chars().count() > LONGEST {
        return Err("Too long");
    }
    let uri: Uri = text.parse().map_err(|_| "Not a valid URL")?;
    match (uri.scheme_str(), guard) {
        (Some("https"), _) | (Some("http"), Guard::AllowPrivate) => {}
        _ => return Err("Must be an https URL"),
    }
    // Read as a fragment or a user by some, as part of something else by others.
    if text.contains('#') {
        return Err("Must not have a fragment");
    }
    let authority = uri.authority().ok_or("Not a valid URL")?;
    if authority.as_str().contains('@') {
        return Err("Must not name a user");
    }
    if guard == Guard::Public {
        check_port(authority.as_str(), authority.port_u16())?;
        check_host(authority.host())?;
    }
    Ok(text.to_owned())
}

fn check_port(authority: &str, port: Option<u16>) -> Result<(), &'static str> {
    let spelled = authority.rsplit_once(':').is_some_and(|(_, after)| !after.contains(']'));
    match port {
        None if spelled => Err("Not a valid port"),
        None | Some(443 | 1024..) => Ok(()),
        Some(_) => Err("The port must be 443 or 1024 to 65535"),
    }
}

fn check_host(host: &str) -> Result<(), &'static str> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.trim_end_matches('.').parse::<IpAddr>() {
        Ok(address) if is_public(address) => Ok(()),
        Ok(_) => Err("The address is not public"),
        Err(_) if bare.is_empty() || bare != host || is_numeric(bare) => Err("Not a valid host"),
        Err(_) => Ok(()),
    }
}

/// `2130706433`, `0x7f.1` and the like: resolvers take them for addresses.
fn is_numeric(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or("");
    let hex = last.strip_prefix("0x").or(last.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::check_url as check;
    use crate::Guard;

    fn check_url(url: &str) -> Result<String, &'static str> {
        check(url, Guard::Public)
    }

    #[test]
    fn https_urls_of_public_hosts_pass() {
        for url in [
            "https://example.com",
            "https://example.com/hook?a=b",
            "https://example.com:443/",
            "https://a.example:8443/x",
            "https://1.1.1.1/",
            "https://[2606:4700::1111]:65535/",
            " https://example.com/ ",
        ] {
            assert_eq!(check_url(url).as_deref(), Ok(url.trim()), "{url}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for url in [
            "",
            "example.com",
            "/hook",
            "http://example.com",
            "ftp://example.com",
            "HTTP://example.com",
            "https://user@example.com",
            "https://user:pw@example.com",
            "https://example.com/#x",
            "https://example.com#",
            "https://example.com:80/",
            "https://example.com:1023",
            "https://example.com:0",
            "https://example.com:",
            "https://example.com:99999",
            "https://127.0.0.1/",
            "https://10.0.0.1:8443/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://127.1/",
            "https://0177.0.0.1/",
            "https://127.0.0.1./",
            "https:///x",
            "https://exa mple.com",
        ] {
            assert!(check_url(url).is_err(), "{url}");
        }
        let longest = format!("https://example.com/{}", "a".repeat(2048 - 20));
        assert!(check_url(&longest).is_ok());
        assert_eq!(check_url(&format!("{longest}a")), Err("Too long"));
    }
}
