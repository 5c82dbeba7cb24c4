//! A lazy call: nothing is sent until it is awaited.

use std::future::IntoFuture;
use std::time::Duration;

use http::HeaderMap;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};
use crate::http::request::{Request, Target};
use crate::http::transport::{BoxFuture, RawResponse};
use crate::http::{Retry, answer, driver};
use crate::redact;

/// Makes a call's output of its answer.
pub(crate) type Finish<T> = fn(&Target, &RawResponse) -> Result<T>;

/// A call that was described but not made. Await it to make it; drop it and nothing happens.
///
/// What cannot be sent (a bad handle, header or body) is the error of the await, before any I/O.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<'c, T> {
    target: Result<&'c Target>,
    pub(crate) request: Request,
    finish: Finish<T>,
}

impl<'c, T> Call<'c, T> {
    pub(crate) fn with_finish(target: Result<&'c Target>, request: Request, finish: Finish<T>) -> Self {
        Self { target, request, finish }
    }

    /// Time limit of each attempt; none switches it off.
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.request.set_timeout(limit.into());
        self
    }

    /// Time limit of the whole call, waits included: no attempt begins after it.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.request.set_deadline(limit);
        self
    }

    /// Makes the call safe to repeat: the server executes it once per key.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.request.set_idempotency_key(key.into());
        self
    }

    /// Whether and how the call is repeated.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.request.set_retry(retry);
        self
    }

    /// Adds a header to this call.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request.set_header(name, value);
        self
    }

    /// The same call, but its output is the answer with its headers.
    pub fn with_response(self) -> ResponseCall<'c, T> {
        ResponseCall(self)
    }

    pub(crate) fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.request.set_query(name, value.to_string());
        self
    }

    async fn respond(self) -> Result<Response<T>> {
        let target = self.target?;
        let (raw, attempts) = driver::execute(target, self.request).await?;
        let request_id = answer::header(&raw.headers, "x-request-id").map(str::to_owned);
        let data = (self.finish)(target, &raw);
        let data = data.map_err(|error| error.with_answer(raw.status, request_id.clone()).with_attempts(attempts))?;
        Ok(Response { data, status: raw.status, request_id, headers: raw.headers, attempts })
    }
}

impl<'c, T: DeserializeOwned> Call<'c, T> {
    pub(crate) fn new(target: &'c Target, request: Request) -> Self {
        Self::with_finish(Ok(target), request, decode)
    }
}

/// The documented shape of a success.
pub(crate) fn decode<T: DeserializeOwned>(target: &Target, response: &RawResponse) -> Result<T> {
    answer::decode_body(response.status, &response.body).map_err(|error| {
        let excerpt = answer::excerpt(&response.body);
        let text = format!("AgentChat SDK: expected JSON response but got: {excerpt} ({error})");
        Error::local(ErrorKind::Decode, redact::scrub(&text, target.key.expose()))
    })
}

impl<'c, T: Send + 'c> IntoFuture for Call<'c, T> {
    type Output = Result<T>;
    type IntoFuture = BoxFuture<'c, Result<T>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.respond().await.map(|response| response.data) })
    }
}

/// A call whose output is the whole answer.
#[must_use = "a call does nothing until it is awaited"]
pub struct ResponseCall<'c, T>(Call<'c, T>);

impl<'c, T: Send + 'c> IntoFuture for ResponseCall<'c, T> {
    type Output = Result<Response<T>>;
    type IntoFuture = BoxFuture<'c, Result<Response<T>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.0.respond())
    }
}

/// An answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Response<T> {
    /// What the call gives.
    pub data: T,
    /// HTTP status.
    pub status: u16,
    /// The server's id of the request.
    pub request_id: Option<String>,
    /// Headers.
    pub headers: HeaderMap,
    /// Attempts that were made.
    pub attempts: u32,
}
