//! One call of one webhook (wire.md §17.3).

use std::time::Instant;

use agentchat_protocol::id::WebhookDeliveryId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::trace::TraceContext;
use agentchat_protocol::webhook_signature::{sign, sign_standard};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::app::App;

/// What is said to whom. Not to be logged: it has secrets.
pub(crate) struct Call {
    pub(crate) url: String,
    /// The present one first; all of them sign.
    pub(crate) secrets: Vec<String>,
    pub(crate) event: String,
    pub(crate) delivery: WebhookDeliveryId,
    pub(crate) body: String,
    pub(crate) trace: Option<TraceContext>,
    /// When it is said; signed too.
    pub(crate) now: Timestamp,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// None: nothing came back.
    pub(crate) status: Option<u16>,
    pub(crate) duration_ms: u64,
    /// Why it is no success.
    pub(crate) error: Option<String>,
}

impl Attempt {
    /// The receiver has it.
    pub(crate) fn ok(&self) -> bool {
        self.error.is_none()
    }
}

/// Makes one call. A redirect is no success.
pub(crate) async fn attempt(app: &App, call: Call) -> Attempt {
    let began = Instant::now();
    let headers = headers(&call);
    let answer = app.egress.post(&call.url, headers, call.body.into_bytes().into()).await;
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match answer {
        Ok(status) if status.is_success() => Attempt { status: Some(status.as_u16()), duration_ms, error: None },
        Ok(status) => Attempt {
            status: Some(status.as_u16()),
            duration_ms,
            error: Some(format!("the receiver answered {status}")),
        },
        Err(error) => Attempt { status: None, duration_ms, error: Some(error.to_string()) },
    }
}

fn headers(call: &Call) -> HeaderMap {
    let id = call.delivery.to_string();
    let seconds = call.now.as_millis().div_euclid(1000);
    let body = call.body.as_bytes();
    let mut headers = HeaderMap::new();
    let mut insert = |name: HeaderName, value: &str| {
        // Ids, numbers, base64 and what was a header before.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    insert(CONTENT_TYPE, "application/json");
    insert(USER_AGENT, "AgentChat-Webhooks/1");
    insert(HeaderName::from_static("x-agentchat-event"), &call.event);
    insert(HeaderName::from_static("x-agentchat-delivery"), &id);
    if let Some(secret) = call.secrets.first() {
        insert(HeaderName::from_static("agentchat-signature"), &sign(secret, seconds, body));
    }
    insert(HeaderName::from_static("webhook-id"), &id);
    insert(HeaderName::from_static("webhook-timestamp"), &seconds.to_string());
    insert(HeaderName::from_static("webhook-signature"), &sign_standard(&call.secrets, &id, seconds, body));
    if let Some(trace) = &call.trace {
        insert(HeaderName::from_static("traceparent"), &trace.traceparent);
        if let Some(state) = &trace.tracestate {
            insert(HeaderName::from_static("tracestate"), state);
        }
    }
    headers
}
