//! The path rules of §1.1: one spelling a path, no redirects.

use http::Request;
use http::uri::{PathAndQuery, Uri};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What must stay encoded for the router to see one segment. `%` included: what was decoded once stays so.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What the rules made of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// The router may see it.
    Passed,
    /// 404: a trailing slash, an empty inner segment or a dot segment.
    Refused,
}

/// Collapses leading slashes, decodes each segment once, and refuses paths that have other spellings.
pub(super) fn apply<B>(request: &mut Request<B>) -> Path {
    let path = request.uri().path();
    if is_plain(path) {
        return Path::Passed;
    }
    let Some(normal) = normalise(path) else { return Path::Refused };
    match with_path(request.uri(), &normal) {
        Some(uri) => {
            *request.uri_mut() = uri;
            Path::Passed
        }
        None => Path::Refused,
    }
}

/// True for nearly all requests: nothing to decode, collapse or refuse.
fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes == b"/"
        || (bytes.first() == Some(&b'/')
            && bytes.last() != Some(&b'/')
            && !bytes.contains(&b'%')
            && !bytes.windows(2).any(|pair| pair == b"//" || pair == b"/."))
}

/// The path with one leading slash and canonical segments; `None` if a rule refuses it.
fn normalise(path: &str) -> Option<String> {
    let segments = path.trim_start_matches('/');
    if segments.is_empty() {
        return Some("/".to_owned());
    }
    let mut normal = String::with_capacity(path.len() + 8);
    for segment in segments.split('/') {
        // Bytes that are no UTF-8 become U+FFFD, which no route and no id contains.
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        if matches!(&*decoded, "" | "." | "..") {
            return None;
        }
        normal.push('/');
        normal.extend(utf8_percent_encode(&decoded, ENCODED));
    }
    Some(normal)
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn path(text: &str) -> Option<String> {
        let mut request = Request::builder().uri(text).body(Body::empty()).unwrap();
        (apply(&mut request) == Path::Passed).then(|| request.uri().to_string())
    }

    #[test]
    fn leading_slashes_collapse() {
        assert_eq!(path("//v1/ws").as_deref(), Some("/v1/ws"));
        assert_eq!(path("///v1/messages/sync?limit=2").as_deref(), Some("/v1/messages/sync?limit=2"));
    }

    #[test]
    fn other_spellings_are_refused() {
        for refused in ["/v1/health/", "/v1//health", "/v1/./health", "/v1/../health", "/v1/%2e%2E/health", "/v1/%2e"] {
            assert_eq!(path(refused), None, "{refused}");
        }
    }

    #[test]
    fn segments_are_decoded_once() {
        assert_eq!(path("/v1/agents/%6De").as_deref(), Some("/v1/agents/me"));
        assert_eq!(path("/v1/agents/a%2Fb").as_deref(), Some("/v1/agents/a%2Fb"));
        assert_eq!(path("/v1/agents/%252e").as_deref(), Some("/v1/agents/%252e"));
        assert_eq!(path("/v1/agents/%40alice").as_deref(), Some("/v1/agents/@alice"));
    }

    #[test]
    fn plain_paths_and_the_root_pass_untouched() {
        assert_eq!(path("/").as_deref(), Some("/"));
        assert_eq!(path("/v1/agents/...").as_deref(), Some("/v1/agents/..."));
        assert_eq!(path("/.well-known/agentchat").as_deref(), Some("/.well-known/agentchat"));
    }
}
