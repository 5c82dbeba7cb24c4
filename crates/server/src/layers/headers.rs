//! Headers that every response carries.

use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, Entry, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};

use super::arrival::{RequestId, X_REQUEST_ID};

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Adds the request id, `nosniff`, `no-store` unless the handler chose otherwise, and JSON's charset; a file keeps the type
/// that was declared.
pub(super) fn complete(id: &RequestId, headers: &mut HeaderMap) {
    headers.insert(X_REQUEST_ID, id.header());
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if let Entry::Vacant(vacant) = headers.entry(CACHE_CONTROL) {
        vacant.insert(NO_STORE);
    }
    let is_file = headers.contains_key(CONTENT_DISPOSITION);
    if let Some(content_type) = headers.get_mut(CONTENT_TYPE)
        && !is_file
        && content_type.as_bytes() == b"application/json"
    {
        *content_type = JSON;
    }
}
