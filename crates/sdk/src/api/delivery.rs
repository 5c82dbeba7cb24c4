//! The caller's log of undelivered messages.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::client::Client;
use crate::error::Result;
use crate::http::request::Request;
use crate::http::transport::RawResponse;
use crate::http::{Call, Retry, Target, call};
use crate::types::{Acked, DeliveryId, RawJson, SyncRow};

impl Client {
    /// Undelivered messages in the order they were stored. Reading settles nothing; handle them, then acknowledge with
    /// [`sync_ack`](Self::sync_ack).
    pub fn sync(&self) -> Call<'_, Vec<SyncRow>> {
        Call::with_finish(Ok(self.target()), sync_request(), sync_rows)
    }

    /// Settles every delivery up to and including this one.
    pub fn sync_ack(&self, last: &DeliveryId) -> Call<'_, Acked> {
        self.ack_cursor(last.as_str())
    }

    /// Another name of [`sync_ack`](Self::sync_ack).
    pub fn ack_sync(&self, last: &DeliveryId) -> Call<'_, Acked> {
        self.sync_ack(last)
    }

    /// How many messages are undelivered.
    pub fn undelivered_count(&self) -> Call<'_, u64> {
        let request = Request::get("/v1/messages/undelivered/count");
        Call::with_finish(Ok(self.target()), request, count)
    }

    pub(crate) fn ack_cursor(&self, last: &str) -> Call<'_, Acked> {
        let mut request = Request::post("/v1/messages/sync/ack").json(&json!({"last_delivery_id": last}));
        if last.is_empty() {
            request.refuse(crate::Error::invalid_input("last_delivery_id", "sync_ack needs a non-empty string cursor"));
        }
        self.call(request.retry(Retry::Auto))
    }

    /// A page of the log, undecoded, so that no row can hide the others.
    pub(crate) fn sync_raw(&self, limit: u32, after: Option<&str>) -> Call<'_, RawJson> {
        let mut request = sync_request();
        request.set_query("limit", limit.to_string());
        if let Some(after) = after {
            request.set_query("after", after.to_owned());
        }
        self.call(request)
    }

    /// A page of history, undecoded.
    pub(crate) fn history_raw(&self, conversation: &str, after_seq: u64, limit: u32) -> Call<'_, RawJson> {
        let mut request = Request::get("/v1/messages").segment("conversation_id", conversation);
        request.set_query("limit", limit.to_string());
        request.set_query("after_seq", after_seq.to_string());
        self.call(request)
    }
}

fn sync_request() -> Request {
    Request::get("/v1/messages/sync").parameters(&["limit", "after", "wait"])
}

impl Call<'_, Vec<SyncRow>> {
    /// At most so many rows, up to 500.
    pub fn limit(self, limit: u32) -> Self {
        self.query("limit", limit)
    }

    /// Only rows behind this one; settles nothing.
    pub fn after(self, cursor: &DeliveryId) -> Self {
        self.query("after", cursor)
    }

    /// Waits so long, up to 60 s, for a row if there is none. Remember the call's own time limit.
    pub fn wait(self, duration: Duration) -> Self {
        self.query("wait", duration.as_secs())
    }
}

/// Servers that answer with something else than an array have nothing to say.
fn sync_rows(target: &Target, response: &RawResponse) -> Result<Vec<SyncRow>> {
    let body: RawJson = call::decode(target, response)?;
    if body.as_str().trim_start().starts_with('[') {
        return body.parse();
    }
    tracing::warn!(target: "agentchat::http", "sync answered with something else than an array");
    Ok(Vec::new())
}

fn count(target: &Target, response: &RawResponse) -> Result<u64> {
    #[derive(Deserialize)]
    struct Count {
        count: u64,
    }
    call::decode::<Count>(target, response).map(|answer| answer.count)
}
