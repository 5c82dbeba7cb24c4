//! A transport that answers from a script and writes down what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use agentchat::http::{BoxFuture, HttpTransport, Limits, RawResponse, TransportFailure};
use agentchat::{Client, ClientBuilder};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};

type Answer = Result<RawResponse, TransportFailure>;

#[derive(Clone, Default)]
pub(crate) struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    requests: Arc<Mutex<Vec<Request<Bytes>>>>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() }
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder().api_key("ac_live_SECRET").base_url("http://h").transport(self.clone())
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// Method and address of the only request.
    pub(crate) fn line(&self) -> String {
        let requests = self.requests();
        assert_eq!(requests.len(), 1);
        format!("{} {}", requests[0].method(), requests[0].uri())
    }
}

impl HttpTransport for Script {
    fn send<'a>(&'a self, request: Request<Bytes>, _: Limits) -> BoxFuture<'a, Result<RawResponse, TransportFailure>> {
        self.requests.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front().expect("no answer is left in the script");
        Box::pin(async { answer })
    }
}

pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    Ok(RawResponse { status, reason: None, headers, body: Bytes::copy_from_slice(body.as_bytes()) })
}

pub(crate) fn ok(body: &str) -> Answer {
    answer(200, &[], body)
}

pub(crate) const MESSAGE: &str = r#"{"id":"msg_1","conversation_id":"conv_1","sender":"me","client_msg_id":"x","seq":1,"type":"text",
    "content":{"text":"hi"},"metadata":{},"status":"stored","created_at":"2026-01-15T09:30:00.000Z"}"#;
