//! A request before it is sent, and what it is sent with.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::http::machine::Plan;
use crate::http::pieces::Outlet;
use crate::http::transport::HttpTransport;
use crate::http::{Retry, RetryPolicy, url};
use crate::realtime::OwnSends;
use crate::secret::ApiKey;
use crate::types::{BacklogWarning, IntoHandle};

/// Called when a recipient has many undelivered messages.
pub(crate) type OnBacklog = Arc<dyn Fn(&BacklogWarning) + Send + Sync>;

/// What every request of a client shares.
pub(crate) struct Target {
    pub(crate) base_url: String,
    pub(crate) transport: Arc<dyn HttpTransport>,
    /// Identity, caller's defaults, user agent and authorization.
    pub(crate) headers: HeaderMap,
    pub(crate) key: ApiKey,
    pub(crate) policy: RetryPolicy,
    pub(crate) timeout: Option<Duration>,
    pub(crate) on_backlog: Option<OnBacklog>,
    pub(crate) own_sends: Arc<OwnSends>,
}

/// One request. What is wrong with it is kept until it is awaited.
pub(crate) struct Request {
    method: Method,
    path: String,
    query: Vec<(Cow<'static, str>, Option<String>)>,
    headers: HeaderMap,
    body: Option<Bytes>,
    is_json: bool,
    idempotency_key: Option<String>,
    retry: Retry,
    timeout: Option<Option<Duration>>,
    deadline: Option<Duration>,
    redirect_ok: bool,
    is_send: bool,
    outlet: Option<Outlet>,
    error: Option<Error>,
}

impl Request {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
            is_json: false,
            idempotency_key: None,
            retry: Retry::ByMethod,
            timeout: None,
            deadline: None,
            redirect_ok: false,
            is_send: false,
            outlet: None,
            error: None,
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub(crate) fn segment(mut self, field: &str, value: &str) -> Self {
        match url::check_segment(field, value) {
            Ok(()) => url::push_segment(&mut self.path, value),
            Err(error) => self.refuse(error),
        }
        self
    }

    pub(crate) fn segment_unless(mut self, field: &str, value: &str, literals: &[&str]) -> Self {
        if let Err(error) = url::check_not_literal(field, value, literals) {
            self.refuse(error);
        }
        self.segment(field, value)
    }

    pub(crate) fn handle(mut self, handle: impl IntoHandle) -> Self {
        match handle.into_handle() {
            Ok(handle) => url::push_segment(&mut self.path, handle.as_str()),
            Err(error) => self.refuse(error),
        }
        self
    }

    pub(crate) fn literal(mut self, text: &str) -> Self {
        self.path.push_str(text);
        self
    }

    /// Names the query parameters in the order they are sent.
    pub(crate) fn parameters(mut self, names: &[&'static str]) -> Self {
        self.query = names.iter().map(|name| (Cow::Borrowed(*name), None)).collect();
        self
    }

    pub(crate) fn set_query(&mut self, name: &str, value: String) {
        match self.query.iter_mut().find(|(known, _)| known == name) {
            Some(parameter) => parameter.1 = Some(value),
            None => self.query.push((Cow::Owned(name.to_owned()), Some(value))),
        }
    }

    pub(crate) fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => (self.body, self.is_json) = (Some(bytes.into()), true),
            Err(error) => self.refuse(Error::invalid_input("body", format!("cannot be written as JSON: {error}"))),
        }
        self
    }

    pub(crate) fn bytes(mut self, body: Bytes) -> Self {
        (self.body, self.is_json) = (Some(body), false);
        self
    }

    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        match header(name, value) {
            Ok((name, value)) => drop(self.headers.insert(name, value)),
            Err(error) => self.refuse(error),
        }
    }

    pub(crate) fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = Some(timeout);
    }

    pub(crate) fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = Some(deadline);
    }

    pub(crate) fn set_idempotency_key(&mut self, key: String) {
        self.idempotency_key = Some(key).filter(|key| !key.is_empty());
    }

    pub(crate) fn set_retry(&mut self, retry: Retry) {
        self.retry = retry;
    }

    pub(crate) fn set_outlet(&mut self, outlet: Outlet) {
        self.outlet = Some(outlet);
    }

    pub(crate) fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sends may be repeated even after a 409 of their own first attempt.
    pub(crate) fn send(mut self) -> Self {
        self.is_send = true;
        self.retry(Retry::Auto)
    }

    /// Remembers the first thing that is wrong.
    pub(crate) fn refuse(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    pub(crate) fn plan(&self, target: &Target) -> Plan {
        let has_key = self.idempotency_key.is_some();
        let (attempts, policy) = self.retry.resolve(target.policy, &self.method, has_key);
        Plan {
            attempts,
            policy,
            timeout: self.timeout.unwrap_or(target.timeout),
            deadline: self.deadline,
            conflict_retryable: has_key || self.is_send,
            redirect_ok: self.redirect_ok,
        }
    }

    /// The request as it goes out; attempts differ in nothing.
    pub(crate) fn build(mut self, target: &Target) -> Result<http::Request<Bytes>> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let outlet = self.outlet.take();
        let uri = address(target, &self.path, &self.query)?;
        let headers = self.all_headers(target)?;
        let mut request = http::Request::new(self.body.unwrap_or_default());
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        if let Some(outlet) = outlet {
            request.extensions_mut().insert(outlet);
        }
        Ok(request)
    }

    fn all_headers(&self, target: &Target) -> Result<HeaderMap> {
        let mut headers = target.headers.clone();
        for (name, value) in &self.headers {
            if *name != AUTHORIZATION || target.key.is_empty() {
                headers.insert(name, value.clone());
            }
        }
        if let Some(key) = &self.idempotency_key {
            let (name, value) = header("idempotency-key", key)?;
            headers.insert(name, value);
        }
        if self.is_json && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if self.body.is_none() && matches!(self.method, Method::POST | Method::PUT | Method::PATCH) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(headers)
    }
}

fn address(target: &Target, path: &str, query: &[(Cow<'static, str>, Option<String>)]) -> Result<http::Uri> {
    let base = url::base(&target.base_url)?;
    let mut address = String::with_capacity(base.prefix.len() + path.len() + 32);
    address.push_str(base.prefix);
    address.push_str(path);
    for (name, value) in query {
        if let Some(value) = value {
            url::push_query(&mut address, name, value);
        }
    }
    address.parse().map_err(|_| Error::local(ErrorKind::InvalidInput, "the request's URL cannot be sent"))
}

/// A header that can be sent; the text of a refusal names the header, never the value.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let unsendable = || Error::local(ErrorKind::InvalidInput, format!("the header {name:?} cannot be sent"));
    let header_name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unsendable())?;
    let plain = value.bytes().all(|byte| (0x20..0x7F).contains(&byte));
    let header_value = HeaderValue::from_str(value).ok().filter(|_| plain).ok_or_else(unsendable)?;
    Ok((header_name, header_value))
}
