//! Any endpoint, for what has no method of its own.

use std::future::IntoFuture;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde::Serialize;

use crate::error::Result;
use crate::http::request::{Request, Target};
use crate::http::{BoxFuture, Call, Response, Retry, url};
use crate::types::RawJson;

/// A call of any endpoint. It is awaited to a [`Response`] with the JSON of the answer (`null` when there is none); an
/// error answer is an [`Error`](crate::Error) as everywhere.
#[must_use = "a call does nothing until it is awaited"]
pub struct RawCall<'c> {
    target: &'c Target,
    request: Request,
}

impl<'c> RawCall<'c> {
    pub(crate) fn new(target: &'c Target, method: Method, path: String) -> Self {
        let checked = url::check_path(&path);
        let mut request = Request::new(method, path);
        if let Err(error) = checked {
            request.refuse(error);
        }
        Self { target, request }
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.request.set_query(name, value.to_string());
        self
    }

    /// Sends a JSON body.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// Sends bytes.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.request = self.request.bytes(body.into());
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request.set_header(name, value);
        self
    }

    /// Makes the call safe to repeat.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.request.set_idempotency_key(key.into());
        self
    }

    /// Whether and how the call is repeated.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.request.set_retry(retry);
        self
    }

    /// Time limit of each attempt; none switches it off.
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.request.set_timeout(limit.into());
        self
    }
}

impl<'c> IntoFuture for RawCall<'c> {
    type Output = Result<Response<RawJson>>;
    type IntoFuture = BoxFuture<'c, Result<Response<RawJson>>>;

    fn into_future(self) -> Self::IntoFuture {
        Call::<RawJson>::new(self.target, self.request).with_response().into_future()
    }
}
