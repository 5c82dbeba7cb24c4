//! Bodies whose size must be known before anybody is authenticated.

use axum::body::Body;
use http::Request;
use http_body::Body as _;

use crate::app::App;
use crate::extract::{TooLarge, Unread, body_cap, declared_length, drain, is_streamed, read_body};

/// Leaves bodies with an acceptable length to their handler, gathers those without a length, and empties
/// those that are too large. The cap answers before authentication and after routing.
pub(super) async fn settle(request: Request<Body>, app: &App) -> Request<Body> {
    let (method, path) = (request.method(), request.uri().path());
    let cap = body_cap(app, method, path);
    match declared_length(request.headers()) {
        Some(length) if length > cap as u64 => refuse(request).await,
        Some(_) => request,
        None if request.body().is_end_stream() || is_streamed(method, path) => request,
        None => gather(request, cap).await,
    }
}

async fn gather(request: Request<Body>, cap: usize) -> Request<Body> {
    let (mut parts, body) = request.into_parts();
    match read_body(body, cap).await {
        Ok(bytes) => Request::from_parts(parts, Body::from(bytes)),
        Err(unread) => {
            if unread == Unread::TooLarge {
                parts.extensions.insert(TooLarge);
            }
            Request::from_parts(parts, Body::empty())
        }
    }
}

async fn refuse(request: Request<Body>) -> Request<Body> {
    let (parts, mut body) = request.into_parts();
    drain(&mut body).await;
    Request::from_parts(parts, Body::empty())
}
