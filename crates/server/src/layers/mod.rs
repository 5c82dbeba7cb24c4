//! The one outer layer: what every request gets before and after its handler.
//!
//! It is a plain `async fn` around the router instead of a stack of middleware: nothing is boxed for it, and
//! the order of its steps can be read top to bottom.

mod arrival;
mod bodies;
mod cors;
mod envelope;
mod headers;
mod metrics;
mod path_rules;
mod routes;
mod unparsed;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

pub(crate) use arrival::Arrival;
use arrival::RequestId;
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
pub(crate) use metrics::Metrics;
use path_rules::Path;
use routes::Routes;
use tower::util::ServiceExt;
use unparsed::Enveloped;

use crate::app::App;
use crate::error::{AppError, Cause};
use crate::idempotency;
use crate::limits::watch;

/// The router and what surrounds it. Shared by all connections.
#[derive(Debug)]
pub(crate) struct Edge {
    app: App,
    router: Router,
    routes: Routes,
}

impl Edge {
    /// Surrounds `router`; `paths` are its route templates, which metrics and logs name.
    pub(crate) fn new(app: App, router: Router, paths: impl IntoIterator<Item = String>) -> Self {
        Self { app, router, routes: Routes::new(paths) }
    }

    /// A connection on which also what is no request is answered with the envelope.
    pub(crate) fn envelope_refusals<S>(&self, stream: S) -> Enveloped<S> {
        Enveloped::new(stream, self.app.entropy.clone())
    }

    /// Answers one request of `peer`.
    pub(crate) async fn answer(&self, peer: SocketAddr, request: Request<Incoming>) -> Response {
        self.answer_body(peer, request.map(Body::new)).await
    }

    /// As [`Edge::answer`], for a body from anywhere.
    pub(crate) async fn answer_body(&self, peer: SocketAddr, mut request: Request<Body>) -> Response {
        let started = Instant::now();
        let request_id = RequestId::of(&request, &self.app.entropy);
        let origin = cors::origin(&request);
        metrics::count_client(request.headers());
        let path = path_rules::apply(&mut request);
        let route = self.routes.find(path, request.uri().path());
        let method = request.method().clone();
        let under_v1 = request.uri().path().starts_with("/v1/");

        let mut response = if under_v1 && method == Method::OPTIONS {
            cors::preflight()
        } else if path == Path::Refused {
            AppError::not_found().into_response()
        } else {
            request.extensions_mut().insert(Arrival { peer });
            self.handle(request).await
        };
        if under_v1 {
            cors::allow(&self.app.config.cors_origins, origin, response.headers_mut());
        }
        headers::complete(&request_id, response.headers_mut());
        self.report(&method, route, &request_id, &response, started);
        response
    }

    /// Runs the router; a request under an `Idempotency-Key` on a task of its own.
    async fn handle(&self, request: Request<Body>) -> Response {
        let request = bodies::settle(request, &self.app).await;
        let router = self.router.clone();
        if idempotency::is_keyed(&request) {
            idempotency::answer(&self.app, request, |request| route(router, request)).await
        } else {
            route(router, request).await
        }
    }

    fn report(&self, method: &Method, route: usize, id: &RequestId, response: &Response, started: Instant) {
        let (status, elapsed) = (response.status(), started.elapsed());
        self.routes.count(route, method, status, elapsed);
        let (route, micros) = (self.routes.name(route), elapsed.as_micros() as u64);
        let id = id.as_str();
        if status.is_server_error() {
            let cause = response.extensions().get::<Cause>().map_or("", |cause| cause.0.as_str());
            tracing::error!(request_id = id, %method, route, status = status.as_u16(), micros, cause, "request failed");
        } else {
            tracing::debug!(request_id = id, %method, route, status = status.as_u16(), micros, "request");
        }
    }
}

/// Runs the router; a panic of a handler is a 500 of that request only.
async fn route(router: Router, request: Request<Body>) -> Response {
    let called = AssertUnwindSafe(router.oneshot(request)).catch_unwind();
    let (outcome, seen) = watch(called).await;
    let mut response = match outcome {
        Ok(Ok(response)) => envelope::ensure(response),
        Err(panic) => panicked(&*panic).into_response(),
    };
    seen.write(response.headers_mut());
    response
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> AppError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    AppError::internal(format!("handler panicked: {}", text.unwrap_or("(no message)")))
}

/// Statuses the envelope needs a code for when axum itself refused.
pub(crate) fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

#[cfg(test)]
mod tests;
