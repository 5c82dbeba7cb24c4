//! Addresses of requests: segments cannot leave their route, and nothing is normalised behind the caller's back.

use std::fmt::Write;

use crate::error::{Error, ErrorKind, Result};

/// Refuses what must not be a path segment (H2). Encoding is no substitute: URL parsers treat `%2e%2e` as `..`.
pub(crate) fn check_segment(field: &str, segment: &str) -> Result<()> {
    let reason = match segment {
        "" => "is empty",
        "." | ".." => "is a dot segment",
        _ if segment.len() > 512 => "is longer than 512 bytes",
        _ if segment.chars().any(|character| character < ' ' || "/\\\u{7f}".contains(character)) => {
            "has a slash, a backslash or a control character"
        }
        _ => return Ok(()),
    };
    Err(Error::invalid_input(field, format!("the {field} {reason}")))
}

/// A segment that shares its place with literal routes of the same method (H3).
pub(crate) fn check_not_literal(field: &str, segment: &str, literals: &[&str]) -> Result<()> {
    if literals.contains(&segment) {
        return Err(Error::invalid_input(field, format!("the {field} {segment:?} names another route")));
    }
    Ok(())
}

/// Appends a percent-encoded segment.
pub(crate) fn push_segment(path: &mut String, segment: &str) {
    path.push('/');
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
            _ => drop(write!(path, "%{byte:02X}")),
        }
    }
}

/// Appends a form-encoded query parameter.
pub(crate) fn push_query(path: &mut String, name: &str, value: &str) {
    path.push(if path.contains('?') { '&' } else { '?' });
    push_form(path, name);
    path.push('=');
    push_form(path, value);
}

fn push_form(path: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => path.push(char::from(byte)),
            b' ' => path.push('+'),
            _ => drop(write!(path, "%{byte:02X}")),
        }
    }
}

/// A path given as text for a raw call: it begins with `/` and has no dot segments.
pub(crate) fn check_path(path: &str) -> Result<()> {
    let bare = path.split(['?', '#']).next().unwrap_or_default();
    if !bare.starts_with('/') {
        return Err(Error::invalid_input("path", "the path does not begin with a slash"));
    }
    if path.chars().any(|character| character <= ' ' || character == '\u{7f}') {
        return Err(Error::invalid_input("path", "the path has white space or a control character"));
    }
    if bare.split(['/', '\\']).any(is_dot_segment) {
        return Err(Error::invalid_input("path", "the path has a dot segment"));
    }
    Ok(())
}

fn is_dot_segment(segment: &str) -> bool {
    let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
    decoded == "." || decoded == ".."
}

/// Where a base URL points.
pub(crate) struct Base<'a> {
    /// `http` or `https`.
    pub(crate) secure: bool,
    /// Host with port as written.
    pub(crate) authority: &'a str,
    /// The URL without trailing slashes.
    pub(crate) prefix: &'a str,
}

/// Reads a base URL (H1).
pub(crate) fn base(url: &str) -> Result<Base<'_>> {
    let prefix = url.trim_end_matches('/');
    let unusable = || Error::local(ErrorKind::InvalidInput, "the base URL is not an http or https URL with a host");
    let (scheme, rest) = prefix.split_once("://").ok_or_else(unusable)?;
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => false,
        "https" | "wss" => true,
        _ => return Err(unusable()),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.is_empty() || host.starts_with(':') || prefix.parse::<http::Uri>().is_err() {
        return Err(unusable());
    }
    Ok(Base { secure, authority, prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d17_segments_that_leave_their_route_are_refused() {
        for bad in ["", ".", "..", "a/../b", "a\\b", "a\nb", "a\u{7f}", &"x".repeat(513)] {
            let error = check_segment("handle", bad).err();
            assert_eq!(error.as_ref().map(Error::kind), Some(ErrorKind::InvalidInput), "{bad:?}");
            assert_eq!(error.as_ref().and_then(Error::code), Some("VALIDATION_ERROR"));
            assert_eq!(error.as_ref().and_then(Error::status), Some(400));
        }
    }

    #[test]
    fn d17_i_segments_are_encoded_byte_for_byte() {
        let mut path = String::from("/v1/agents");
        push_segment(&mut path, "%2e%2e");
        push_segment(&mut path, "ünï ☃");
        assert_eq!(path, "/v1/agents/%252e%252e/%C3%BCn%C3%AF%20%E2%98%83");
    }

    #[test]
    fn d17_h_raw_paths_have_no_dot_segments() {
        for bad in ["/v1/groups/../agents", "/v1/./x", "/v1/%2E%2e/x", "v1/x", "", "/a b"] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
        assert!(check_path("/v1/agents/me?q=..%2F..").is_ok());
    }

    #[test]
    fn base_urls_need_a_scheme_and_a_host() {
        for bad in ["", "not a url", "ftp://host", "http://", "http:///x", "http://:80"] {
            assert!(base(bad).is_err(), "{bad}");
        }
        let found =
            base("https://api.example//").map(|base| (base.secure, base.authority.to_owned(), base.prefix.to_owned()));
        assert_eq!(found.ok(), Some((true, "api.example".to_owned(), "https://api.example".to_owned())));
    }
}
