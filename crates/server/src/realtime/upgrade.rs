//! `GET /v1/ws`: from a request to an authenticated socket.

use std::collections::VecDeque;
use std::sync::Arc;

use agentchat_core::accounts::Caller;
use agentchat_protocol::agent::{AgentStatus, PausedByOwner};
use agentchat_protocol::api_key::hash_key;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::frame::close::{self, Close};
use agentchat_protocol::frame::{HelloOk, MAX_CLIENT_FRAME, MAX_HELLO_FRAME, ServerFrame};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, HeaderMap, HeaderValue, UPGRADE};
use http::{Method, StatusCode, Version};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tungstenite::handshake::derive_accept_key;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::capabilities::Capabilities;
use super::hello::{NoSocket, greet, not_now};
use super::hub::{NoSeat, Seat};
use super::replies::text;
use super::session::Begin;
use super::socket::{Owner, Socket};
use super::waiting::Waiting;
use super::wire::Wire;
use crate::app::App;
use crate::callers::KeyHash;
use crate::error::{AppError, Result};
use crate::extract::{ClientIp, authenticate, bearer};
use crate::limits::{Key, Policy};

const CAPABILITIES: &str = "x-agentchat-capabilities";
const SEC_KEY: &str = "sec-websocket-key";
const SEC_VERSION: &str = "sec-websocket-version";
const SEC_ACCEPT: &str = "sec-websocket-accept";
/// What an agent with all its connections open is told to wait, in seconds.
pub(super) const FULL_WAIT: u64 = 10;

type Connection = Wire<TokioIo<Upgraded>>;

/// The agent socket.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(connect)).merge(super::stream::routes())
}

/// Opens the agent socket. With an `Authorization` header the key is looked at before the upgrade; without, the
/// first frame must be a `hello`.
#[utoipa::path(get, path = "/v1/ws", tag = "realtime", security(("api_key" = []), ()),
    responses((status = 101, description = "The socket is open")))]
async fn connect(State(app): State<App>, client: ClientIp, mut request: Request) -> Result<Response> {
    let accept = accept_key(&request).ok_or_else(AppError::not_found)?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or_else(AppError::not_found)?;
    if request.headers().contains_key(AUTHORIZATION) {
        by_header(&app, request.headers(), upgrade).await?;
    } else {
        by_hello(&app, client, upgrade)?;
    }
    Ok(switching(&accept))
}

/// `Sec-WebSocket-Accept`, if this is a WebSocket upgrade.
fn accept_key(request: &Request) -> Option<String> {
    let headers = request.headers();
    let wanted = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && lists(headers, CONNECTION.as_str(), "upgrade")
        && lists(headers, UPGRADE.as_str(), "websocket")
        && headers.get(SEC_VERSION).is_some_and(|version| version == "13");
    let key = headers.get(SEC_KEY).filter(|_| wanted)?;
    Some(derive_accept_key(key.as_bytes()))
}

/// Whether a comma list names a token.
fn lists(headers: &HeaderMap, name: &str, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}

fn switching(accept: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_ACCEPT, accept);
    }
    response
}

/// Final refusals are answered over HTTP; transient ones close the socket after the upgrade.
async fn by_header(app: &App, headers: &HeaderMap, upgrade: OnUpgrade) -> Result<()> {
    let credentials = if app.is_draining() { Err(close::SHUTTING_DOWN) } else { look_at_header(app, headers).await? };
    let entrant = credentials.map(|(caller, key_hash)| {
        let offered = headers.get(CAPABILITIES).and_then(|list| list.to_str().ok()).unwrap_or("");
        Entrant {
            owner: Owner { caller, key_hash },
            capabilities: Capabilities::accept(offered.split(',')),
            said_hello: false,
            client: None,
            early: VecDeque::new(),
        }
    });
    let server = app.clone();
    app.spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let wire = Wire::new(TokioIo::new(upgraded), MAX_CLIENT_FRAME);
        match entrant {
            Ok(entrant) => enter(&server, wire, entrant),
            Err(close) => refuse(&server, wire, close),
        }
    });
    Ok(())
}

type Credentials = (Arc<Caller>, KeyHash);

async fn look_at_header(app: &App, headers: &HeaderMap) -> Result<Result<Credentials, Close>> {
    let key = bearer(headers).ok_or_else(AppError::unauthorized)?;
    match authenticate(app, key).await {
        Err(error) => Ok(Err(not_now(&error))),
        Ok(None) => Err(AppError::unauthorized()),
        Ok(Some(caller)) if caller.status == AgentStatus::Suspended => {
            Err(agentchat_core::Rejection::suspended().into())
        }
        Ok(Some(caller)) => Ok(Ok((caller, hash_key(key)))),
    }
}

fn by_hello(app: &App, client: ClientIp, upgrade: OnUpgrade) -> Result<()> {
    if app.is_draining() {
        return Err(AppError::unavailable("the server shuts down"));
    }
    let waiting = app.hub.wait_for_hello(client.address()).ok_or_else(|| too_many_wait(app))?;
    let server = app.clone();
    app.spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let wire = Wire::new(TokioIo::new(upgraded), MAX_HELLO_FRAME);
        Box::pin(introduce(server, wire, waiting)).await;
    });
    Ok(())
}

fn too_many_wait(app: &App) -> AppError {
    AppError::new(ErrorCode::RateLimited, "Too many sockets of this address wait for their HELLO")
        .with_details(json!({
            "reason": "connections",
            "limit": app.limits.sockets_waiting_per_ip,
            "window_s": app.config.timing.hello.as_secs().max(1),
        }))
        .with_retry_after(app.config.timing.hello.as_millis() as u64)
}

async fn introduce(app: App, mut wire: Connection, waiting: Waiting) {
    let greeting = Box::pin(greet(&app, &mut wire)).await;
    drop(waiting);
    match greeting {
        Ok(greeting) => {
            let hello = greeting.hello;
            let entrant = Entrant {
                owner: Owner { caller: greeting.caller, key_hash: hash_key(&hello.api_key) },
                capabilities: Capabilities::accept(hello.capabilities.iter().map(String::as_str)),
                said_hello: true,
                client: hello.client.filter(|client| !client.is_empty()),
                early: greeting.early,
            };
            enter(&app, wire, entrant);
        }
        Err(NoSocket::Refused(close)) => refuse(&app, wire, close),
        Err(NoSocket::Closed) => wire.end(app.config.timing.farewell).await,
        Err(NoSocket::Left) => {}
    }
}

fn refuse(app: &App, wire: Connection, close: Close) {
    let within = app.config.timing.farewell;
    app.spawn(async move { wire.close(&close, within).await });
}

/// An authenticated connection that has no seat yet.
struct Entrant {
    owner: Owner,
    capabilities: Capabilities,
    said_hello: bool,
    client: Option<String>,
    early: VecDeque<Bytes>,
}

impl Entrant {
    /// The client whose sync call leads the drain.
    fn led_by(&self) -> Option<&str> {
        let led = self.said_hello && self.capabilities.ack && !self.capabilities.drain_now;
        self.client.as_deref().filter(|_| led)
    }

    fn begin(&self, app: &App) -> Begin {
        let timing = &app.config.timing;
        Begin {
            ack: self.capabilities.ack,
            own: self.capabilities.own_messages(self.said_hello),
            epoch: self.owner.caller.epoch,
            paused: self.owner.caller.paused == PausedByOwner::Full,
            lead: self.led_by().map(|_| (timing.sync_lead, timing.sync_lead_more)),
            reoffer: Some(app.config.reoffer).filter(|_| self.capabilities.ack),
            after: 0,
        }
    }

    fn hello_ok(&self, app: &App) -> ServerFrame {
        ServerFrame::HelloOk(HelloOk {
            handle: self.owner.caller.handle.clone(),
            capabilities: self.capabilities.names(),
            server_time: app.clock.now(),
            heartbeat_interval_ms: app.config.timing.ping.as_millis() as u64,
        })
    }
}

/// Takes a seat and begins to serve the socket; `hello.ok` is its first frame. What the handshake needed is not kept
/// for the life of the socket: that is a task of its own.
fn enter(app: &App, mut wire: Connection, entrant: Entrant) {
    let seat = match take_seat(app, &entrant) {
        Ok(seat) => seat,
        Err(close) => return refuse(app, wire, close),
    };
    if let Some(hello_ok) = text(&entrant.hello_ok(app)) {
        wire.out.text(&[&hello_ok]);
    }
    let begin = entrant.begin(app);
    let socket = Socket::new(app.clone(), entrant.owner, wire, seat, &begin, entrant.early);
    app.spawn(Box::new(socket).run());
}

fn take_seat(app: &App, entrant: &Entrant) -> Result<Seat, Close> {
    let agent = entrant.owner.caller.key;
    let connect = app.limiter.reserve(Policy::WsConnect, Key::Agent(agent.0)).granted();
    let _taken = connect.map_err(|refusal| close::retry_after(refusal.retry_after_ms.div_ceil(1000)))?;
    let echo = entrant.capabilities.own_messages(entrant.said_hello) == super::session::OwnMessages::Echo;
    app.hub.join(agent, echo, entrant.led_by()).map_err(|no_seat| match no_seat {
        NoSeat::Full => close::retry_after(FULL_WAIT),
        NoSeat::Stopping => close::SHUTTING_DOWN,
    })
}
