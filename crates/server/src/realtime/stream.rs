//! `GET /v1/events`: what a socket would be written, as server-sent events.
//!
//! The session and its driver are those of a socket. What they write goes through a short pipe into the response's body,
//! which the connection reads as fast as the client does.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use agentchat_protocol::agent::PausedByOwner;
use agentchat_protocol::api_key::hash_key;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::frame::close::Close;
use agentchat_protocol::frame::{HelloOk, ServerFrame};
use agentchat_protocol::id::DeliveryId;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http_body::Frame;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWriteExt, DuplexStream, ReadBuf};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Timing;
use super::beat::Rhythm;
use super::hub::{NoSeat, Seat};
use super::line::Line;
use super::meters::Meters;
use super::outbox::Outbox;
use super::replies::text;
use super::session::{Begin, OwnMessages};
use super::socket::{Owner, Socket};
use super::upgrade::FULL_WAIT;
use super::wire::Received;
use crate::app::App;
use crate::error::{AppError, Result};
use crate::extract::{Caller, bearer};
use crate::limits::Policy;

/// Bytes between the session and the connection.
const PIPE: usize = 8 * 1024;
/// What a client waits before it comes back.
const RETRY: &str = "retry: 2000\n\n";
const LAST_EVENT_ID: &str = "last-event-id";

/// The stream of events.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Streams what a socket is written. Messages are settled by `POST /v1/messages/sync/ack`; `Last-Event-ID` resumes
/// behind a message.
#[utoipa::path(get, path = "/v1/events", tag = "realtime", security(("api_key" = [])),
    params(("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, description = "Events", content_type = "text/event-stream")))]
async fn events(State(app): State<App>, Caller(caller): Caller, headers: HeaderMap) -> Result<Response> {
    let key_hash = hash_key(bearer(&headers).ok_or_else(AppError::unauthorized)?);
    if app.is_draining() {
        return Err(AppError::unavailable("the server shuts down"));
    }
    app.limit_agent(Policy::WsConnect, caller.key)?;
    let seat = app.hub.join_stream(caller.key).map_err(|no_seat| refused(&app, no_seat))?;
    let begin = Begin {
        ack: true,
        own: OwnMessages::Never,
        epoch: caller.epoch,
        paused: caller.paused == PausedByOwner::Full,
        lead: None,
        reoffer: None,
        after: resumed_after(&app, &caller, &headers),
    };
    let (near, far) = tokio::io::duplex(PIPE);
    let mut line = EventLine { io: near, out: Outbox::default() };
    line.out.raw(RETRY.as_bytes());
    line.hello(&app, &caller);
    serve(&app, Owner { caller, key_hash }, line, seat, &begin);
    let headers = [
        (CONTENT_TYPE.as_str(), "text/event-stream"),
        (CACHE_CONTROL.as_str(), "no-store"),
        ("x-accel-buffering", "no"),
    ];
    Ok((headers, Body::new(Pipe(far))).into_response())
}

fn serve(app: &App, owner: Owner, line: EventLine, seat: Seat, begin: &Begin) {
    let stream = Socket::new(app.clone(), owner, line, seat, begin, VecDeque::new());
    app.spawn(Box::new(stream).run());
}

/// The position of the message the client saw last; from the beginning when it names none of its own.
fn resumed_after(app: &App, caller: &agentchat_core::accounts::Caller, headers: &HeaderMap) -> u64 {
    let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    let id: Option<DeliveryId> = last.and_then(|id| id.trim().parse().ok());
    id.and_then(|id| app.keys.decode(caller.key.0, &id)).unwrap_or(0)
}

fn refused(app: &App, no_seat: NoSeat) -> AppError {
    match no_seat {
        NoSeat::Full => AppError::new(ErrorCode::RateLimited, "All connections of this agent are in use")
            .with_details(json!({
                "reason": "connections",
                "limit": app.limits.sockets_per_agent,
                "window_s": FULL_WAIT,
            }))
            .with_retry_after(FULL_WAIT * 1_000),
        NoSeat::Stopping => AppError::unavailable("the server shuts down"),
    }
}

/// The session's end of the pipe.
struct EventLine {
    io: DuplexStream,
    out: Outbox,
}

impl EventLine {
    fn event(&mut self, id: Option<&str>, kind: &str, data: &[&str]) {
        if let Some(id) = id {
            self.raw(&["id: ", id, "\n"]);
        }
        self.raw(&["event: ", kind, "\ndata: "]);
        // Frames are compact JSON: there is no line break in them.
        self.raw(data);
        self.raw(&["\n\n"]);
    }

    fn raw(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.raw(part.as_bytes());
        }
    }

    fn hello(&mut self, app: &App, caller: &agentchat_core::accounts::Caller) {
        let hello = ServerFrame::HelloOk(HelloOk {
            handle: caller.handle.clone(),
            capabilities: vec!["ack".into()],
            server_time: app.clock.now(),
            heartbeat_interval_ms: app.config.timing.stream_ping.as_millis() as u64,
        });
        if let Some(text) = text(&hello) {
            self.event(None, hello.kind(), &[&text]);
        }
    }
}

/// Enough of a frame to name it.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    r#type: &'a str,
}

impl Line for EventLine {
    fn rhythm(timing: &Timing) -> Rhythm {
        Rhythm::of_stream(timing)
    }

    fn out(&self) -> &Outbox {
        &self.out
    }

    fn message(&mut self, delivery: Option<&str>, parts: &[&str]) {
        self.event(delivery, "message.new", parts);
    }

    fn frame(&mut self, text: &str) {
        if let Ok(named) = serde_json::from_str::<Named<'_>>(text) {
            self.event(None, named.r#type, &[text]);
        }
    }

    fn ping(&mut self) {
        self.raw(&[": ping\n\n"]);
    }

    /// Nothing comes from a stream's client; that it has gone shows by the other end of the pipe.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        let mut byte = [0];
        let _ended = ready!(Pin::new(&mut self.io).poll_read(context, &mut ReadBuf::new(&mut byte)));
        Poll::Ready(Received::Gone)
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.out.poll_write(&mut self.io, context)
    }

    async fn close(mut self, close: &Close, within: Duration) {
        Meters::closed(close.code);
        let data = json!({ "code": close.code, "reason": close.reason }).to_string();
        self.event(None, "close", &[&data]);
        let farewell = async {
            std::future::poll_fn(|context| self.poll_write(context)).await?;
            self.io.shutdown().await
        };
        // Who does not read does not hear it; the stream ends either way.
        let _late: Result<io::Result<()>, _> = tokio::time::timeout(within, farewell).await;
    }

    async fn end(self, _within: Duration) {
        Meters::closed(1000);
    }
}

/// The connection's end of the pipe: the body of the response.
struct Pipe(DuplexStream);

impl http_body::Body for Pipe {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let mut bytes = [0; PIPE];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.0).poll_read(context, &mut buffer))?;
        let read = buffer.filled();
        Poll::Ready((!read.is_empty()).then(|| Ok(Frame::data(Bytes::copy_from_slice(read)))))
    }
}
