//! Answers whose body is an object: whole, or one range of it (RFC 9110 §14).

use std::ops::Range;

use agentchat_objects::{ObjectError, Objects};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderName, HeaderValue, IF_RANGE, RANGE};
use http::{Method, StatusCode};

use crate::error::{AppError, Result};

/// What of an object a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Whole,
    /// Its bytes, the end excluded.
    Range(Range<u64>),
    /// Bytes that are not there.
    Outside,
}

/// Answers with an object of `size` bytes under `headers`, or with the range that is asked for.
pub(super) async fn answer(
    objects: &Objects,
    name: &str,
    size: u64,
    request: (&Method, &HeaderMap),
    headers: &[(HeaderName, HeaderValue)],
) -> Result<Response> {
    let (method, asked) = request;
    let range = match part(asked, size) {
        Part::Whole => None,
        Part::Range(range) => Some(range),
        Part::Outside => return Ok(outside(size)),
    };
    let length = range.as_ref().map_or(size, |range| range.end - range.start);
    let body = match *method {
        Method::HEAD => Body::empty(),
        _ => Body::from_stream(objects.get(name, range.clone()).await.map_err(unavailable)?),
    };
    let mut response = Response::new(body);
    let answered = response.headers_mut();
    answered.extend(headers.iter().cloned());
    answered.insert(CONTENT_LENGTH, HeaderValue::from(length));
    answered.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(Range { start, end }) = range {
        answered.insert(CONTENT_RANGE, header(format!("bytes {start}-{}/{size}", end - 1)));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// `STORAGE_UNAVAILABLE`; that an object is missing whose row is there is no other case for the client.
pub(super) fn unavailable(error: ObjectError) -> AppError {
    AppError::from(agentchat_core::attachments::storage_unavailable()).caused_by(error)
}

/// A header of characters that are known to be allowed.
pub(super) fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn outside(size: u64) -> Response {
    let error = AppError::form("The range lies outside the file").with_status(StatusCode::RANGE_NOT_SATISFIABLE);
    let mut response = error.into_response();
    response.headers_mut().insert(CONTENT_RANGE, header(format!("bytes */{size}")));
    response
}

/// Several ranges, other units and conditions on what is never said are ignored, as they may be.
fn part(headers: &HeaderMap, size: u64) -> Part {
    if headers.contains_key(IF_RANGE) {
        return Part::Whole;
    }
    let mut values = headers.get_all(RANGE).iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(text), None) => range(text, size).unwrap_or(Part::Whole),
        _ => Part::Whole,
    }
}

/// One range of bytes; `None` for what is malformed or not one.
fn range(text: &str, size: u64) -> Option<Part> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok());
    let (start, end) = match (first, last) {
        ("", "") => return None,
        ("", last) => (size.saturating_sub(number(last)??), size),
        (first, "") => (number(first)??, size),
        (first, last) => {
            let (first, last) = (number(first)??, number(last)??);
            if last < first {
                return None;
            }
            (first, last.saturating_add(1).min(size))
        }
    };
    Some(if start < end { Part::Range(start..end) } else { Part::Outside })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, text.parse().unwrap());
        part(&headers, 10)
    }

    #[test]
    fn one_range_is_answered_and_no_other() {
        assert_eq!(asked("bytes=0-3"), Part::Range(0..4));
        assert_eq!(asked("bytes=4-"), Part::Range(4..10));
        assert_eq!(asked("bytes=-3"), Part::Range(7..10));
        assert_eq!(asked("bytes=-30"), Part::Range(0..10));
        assert_eq!(asked("bytes=9-99999999999"), Part::Range(9..10));
        for outside in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(asked(outside), Part::Outside, "{outside}");
        }
        for whole in ["bytes=3-1", "bytes=", "bytes=-", "bytes=0-1,4-5", "rows=0-1", "bytes=a-b", "bytes=+1-2", "0-3"] {
            assert_eq!(asked(whole), Part::Whole, "{whole}");
        }
        assert_eq!(part(&HeaderMap::new(), 10), Part::Whole);
    }

    #[test]
    fn a_condition_that_cannot_hold_means_the_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, "bytes=0-3".parse().unwrap());
        headers.insert(IF_RANGE, "\"x\"".parse().unwrap());
        assert_eq!(part(&headers, 10), Part::Whole);
    }
}
