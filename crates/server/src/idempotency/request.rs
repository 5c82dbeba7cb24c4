//! The outer layer's part: before the router and after the handler.

use std::future::Future;
use std::sync::{Arc, Mutex};

use agentchat_core::idempotency::{Answer, ForgetRun, KeepAnswer, Keyed};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};

use super::{IDEMPOTENCY_KEY, SLOT, Slot, State};
use crate::app::App;
use crate::error::AppError;
use crate::extract::{TooLarge, Unread, body_cap, is_streamed, read_body};

/// Says that an answer was given before.
pub(crate) const REPLAY: HeaderName = HeaderName::from_static("idempotent-replay");
/// There the key is the message's own id.
const SEND: &str = "/v1/messages";

/// Whether a request has a key that counts on its route, should its caller be known there.
pub(crate) fn is_keyed(request: &Request<Body>) -> bool {
    let mutates = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    let path = request.uri().path();
    mutates && request.headers().contains_key(IDEMPOTENCY_KEY) && path != SEND && !is_streamed(request.method(), path)
}

/// Handles a request under a key to its end, also when the client does not wait for it.
pub(crate) async fn answer<F>(
    app: &App,
    request: Request<Body>,
    handle: impl FnOnce(Request<Body>) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = Response> + Send + 'static,
{
    let cap = body_cap(app, request.method(), request.uri().path());
    let (slot, request) = match gather(request, cap).await {
        Ok(gathered) => gathered,
        Err(error) => return error.into_response(),
    };
    let shared = app.clone();
    let handled = app.spawn_answer(async move {
        let response = SLOT.scope(Arc::clone(&slot), handle(request)).await;
        finish(&shared, &slot, response).await
    });
    handled.await.unwrap_or_else(|error| AppError::internal(error).into_response())
}

/// The request with its body in memory, and the slot of its key.
async fn gather(request: Request<Body>, cap: usize) -> Result<(Arc<Slot>, Request<Body>), AppError> {
    let (mut parts, body) = request.into_parts();
    let body = match read_body(body, cap).await {
        Ok(body) => body,
        Err(Unread::Broken) => return Err(AppError::form("The body ended early")),
        Err(Unread::TooLarge) => {
            parts.extensions.insert(TooLarge);
            Bytes::new()
        }
    };
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let slot = Slot {
        key: parts.headers.get(IDEMPOTENCY_KEY).cloned().unwrap_or_else(|| HeaderValue::from_static("")),
        fingerprint: fingerprint(&parts.method, path, &body),
        state: Mutex::new(State::Unused),
    };
    Ok((Arc::new(slot), Request::from_parts(parts, Body::from(body))))
}

/// Neither a method nor a path holds a space, so no two requests read alike.
fn fingerprint(method: &Method, path: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [method.as_str().as_bytes(), b" ", path.as_bytes(), b" ", body] {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Keeps what the handler answered, unless that is done or was never to be kept.
async fn finish(app: &App, slot: &Slot, response: Response) -> Response {
    match slot.take() {
        State::Unused | State::Kept => response,
        State::Replay(answer) => replay(answer),
        // The mark in memory goes with `run`, once the answer is kept.
        State::Running(run) => keep(app, &run.keyed, response).await,
    }
}

fn replay(answer: Answer) -> Response {
    let mut response = respond(answer);
    response.headers_mut().insert(REPLAY, HeaderValue::from_static("true"));
    response
}

/// An answer as a response.
pub(super) fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(content_type) = HeaderValue::try_from(answer.content_type) {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

async fn keep(app: &App, keyed: &Keyed, response: Response) -> Response {
    let (answer, response) = read(response).await;
    let done = match answer {
        Some(answer) => {
            let keep = KeepAnswer { keyed: keyed.clone(), answer, now: app.clock.now() };
            app.store.write(keep).await.map(drop)
        }
        None if app.is_shared() => app.store.write(ForgetRun(keyed.clone())).await,
        None => Ok(()),
    };
    if let Err(error) = done {
        tracing::warn!(%error, "the answer under an Idempotency-Key is not kept");
    }
    response
}

/// The answer as it may be kept, and the response with its body still in it.
async fn read(response: Response) -> (Option<Answer>, Response) {
    let status = response.status().as_u16();
    let short = response.body().size_hint().upper().is_some_and(|bytes| bytes <= Answer::MOST as u64);
    if !short || !Answer::keeps_status(status) {
        return (None, response);
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return (None, AppError::internal("the response's body cannot be read").into_response());
    };
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let text = std::str::from_utf8(&body).ok();
    let answer = text.map(|body| Answer { status, content_type: content_type.to_owned(), body: body.to_owned() });
    (answer, Response::from_parts(parts, Body::from(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_of_method_path_and_body() {
        let base = fingerprint(&Method::POST, "/v1/groups", b"{}");
        assert_eq!(base, fingerprint(&Method::POST, "/v1/groups", b"{}"));
        assert_ne!(base, fingerprint(&Method::PUT, "/v1/groups", b"{}"));
        assert_ne!(base, fingerprint(&Method::POST, "/v1/groups?x=1", b"{}"));
        assert_ne!(base, fingerprint(&Method::POST, "/v1/groups", b"{ }"));
    }
}
