//! Bodies whose size must be known before anybody is authenticated.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::app::App;
use crate::extract::{TooLarge, Unread, body_cap, declared_length, read_body};

/// Bytes of a refused body that are read and dropped, so that the client sees the answer and not a reset.
const DRAINED: usize = 16 * 1024 * 1024;
const DRAINED_WITHIN: Duration = Duration::from_secs(5);

/// Leaves bodies with an acceptable length to their handler, gathers those without a length, and empties
/// those that are too large. The cap answers before authentication and after routing.
pub(super) async fn settle(request: Request<Body>, app: &App) -> Request<Body> {
    let cap = body_cap(app);
    match declared_length(request.headers()) {
        Some(length) if length > cap as u64 => refuse(request).await,
        Some(_) => request,
        None if request.body().is_end_stream() => request,
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
    let drain = async {
        let mut seen = 0;
        while seen <= DRAINED
            && let Some(Ok(frame)) = body.frame().await
        {
            seen += frame.data_ref().map_or(0, bytes::Bytes::len);
        }
    };
    let _enough = tokio::time::timeout(DRAINED_WITHIN, drain).await;
    Request::from_parts(parts, Body::empty())
}
