//! Bodies whose size must be known before anybody is authenticated.

use axum::body::Body;
use http::Request;
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::app::App;
use crate::extract::{TooLarge, body_cap, declared_length};

/// Bytes of a refused body that are read and dropped, so that the client sees the answer and not a reset.
const DRAINED: usize = 16 * 1024 * 1024;

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
    match Limited::new(body, cap).collect().await {
        Ok(collected) => Request::from_parts(parts, Body::from(collected.to_bytes())),
        Err(error) => {
            if error.is::<LengthLimitError>() {
                parts.extensions.insert(TooLarge);
            }
            Request::from_parts(parts, Body::empty())
        }
    }
}

async fn refuse(request: Request<Body>) -> Request<Body> {
    let (parts, mut body) = request.into_parts();
    let mut seen = 0;
    while let Some(Ok(frame)) = body.frame().await {
        seen += frame.data_ref().map_or(0, bytes::Bytes::len);
        if seen > DRAINED {
            break;
        }
    }
    Request::from_parts(parts, Body::empty())
}
