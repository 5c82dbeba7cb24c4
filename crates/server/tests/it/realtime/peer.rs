//! The other end of a socket.

use std::time::Duration;

use agentchat_server::Config;
use agentchat_store::Engine;
use futures_util::{SinkExt, StreamExt};
use http::Request;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::client::{Answer, TestServer};

/// Nothing in these tests takes longer; what does has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that these tests may ask as often as they like.
pub(crate) async fn start(engine: Engine) -> TestServer {
    start_with(engine, |_| {}).await
}

/// The same, changed.
pub(crate) async fn start_with(engine: Engine, change: impl FnOnce(&mut Config)) -> TestServer {
    TestServer::on_with(engine, |config| {
        config.limits.set("api=off").unwrap();
        change(config);
    })
    .await
}

/// A connected socket.
pub(crate) struct Peer {
    socket: WebSocketStream<TcpStream>,
    hears_presence: bool,
}

/// What came.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    Frame(Value),
    Closed(u16, String),
    Gone,
}

/// An agent with its key.
pub(crate) struct Agent {
    pub(crate) handle: &'static str,
    pub(crate) key: String,
}

impl Agent {
    pub(crate) async fn new(server: &TestServer, handle: &'static str) -> Self {
        Self { handle, key: server.register(handle).await }
    }

    pub(crate) async fn post(&self, server: &TestServer, path: &str, body: &Value) -> Answer {
        server.request("POST", path, &[("Authorization", &self.bearer())], body.to_string().as_bytes()).await
    }

    pub(crate) async fn get(&self, server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Value {
        let bearer = self.bearer();
        let mut all = vec![("Authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        let answer = server.request("GET", path, &all, b"").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Sends a text; returns the message.
    pub(crate) async fn send(&self, server: &TestServer, to: &Self, text: &str) -> Value {
        let id: String = text.chars().take(100).collect();
        let body = json!({ "to": to.handle, "client_msg_id": id, "content": { "text": text } });
        let answer = self.post(server, "/v1/messages", &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    /// How many messages wait for it.
    pub(crate) async fn undelivered(&self, server: &TestServer) -> u64 {
        self.get(server, "/v1/messages/undelivered/count", &[]).await["count"].as_u64().unwrap()
    }

    /// Waits until so many messages wait for it.
    pub(crate) async fn until_undelivered(&self, server: &TestServer, count: u64) {
        let settled = async {
            while self.undelivered(server).await != count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("settled in time");
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }
}

/// Two agents that may write to each other at will, with nothing waiting.
pub(crate) async fn friends(server: &TestServer) -> (Agent, Agent) {
    let (alice, bob) = (Agent::new(server, "alice").await, Agent::new(server, "bobby").await);
    alice.send(server, &bob, "hello").await;
    bob.send(server, &alice, "hi").await;
    for agent in [&alice, &bob] {
        let rows = agent.get(server, "/v1/messages/sync", &[]).await;
        let body = json!({ "last_delivery_id": rows[0]["delivery_id"] });
        assert_eq!(agent.post(server, "/v1/messages/sync/ack", &body).await.json(), json!({ "acked": 1 }));
    }
    (alice, bob)
}

impl Peer {
    /// Upgrades without a key; says nothing.
    pub(crate) async fn connect(server: &TestServer) -> Self {
        Self::upgrade(server, &[]).await.expect("101")
    }

    /// Upgrades with headers.
    pub(crate) async fn upgrade(server: &TestServer, headers: &[(&str, &str)]) -> Result<Self, Box<Error>> {
        let stream = TcpStream::connect(server.running.addr()).await.unwrap();
        let (socket, _response) =
            tokio_tungstenite::client_async(request(server, headers), stream).await.map_err(Box::new)?;
        Ok(Self { socket, hears_presence: false })
    }

    /// Authenticates by header; the next frame is `hello.ok`.
    pub(crate) async fn by_header(server: &TestServer, agent: &Agent, capabilities: &str) -> Self {
        let bearer = agent.bearer();
        let headers = [("Authorization", bearer.as_str()), ("X-AgentChat-Capabilities", capabilities)];
        Self::upgrade(server, &headers).await.expect("101")
    }

    /// Says HELLO with these members; the next frame is `hello.ok`.
    pub(crate) async fn greet(server: &TestServer, agent: &Agent, members: Value) -> Self {
        let mut peer = Self::connect(server).await;
        let mut hello = json!({ "type": "hello", "api_key": agent.key });
        hello.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        peer.say(hello).await;
        peer
    }

    /// HELLO with `ack`, no client name; reads `hello.ok`.
    pub(crate) async fn acking(server: &TestServer, agent: &Agent) -> Self {
        let mut peer = Self::greet(server, agent, json!({ "capabilities": ["ack"] })).await;
        assert_eq!(peer.frame().await["type"], "hello.ok");
        peer
    }

    /// HELLO without capabilities; reads `hello.ok`.
    pub(crate) async fn legacy(server: &TestServer, agent: &Agent) -> Self {
        let mut peer = Self::greet(server, agent, json!({})).await;
        assert_eq!(peer.frame().await["type"], "hello.ok");
        peer
    }

    /// From now on also what is told of presence is seen; most tests would only be disturbed by it.
    pub(crate) fn hearing_presence(mut self) -> Self {
        self.hears_presence = true;
        self
    }

    pub(crate) async fn say(&mut self, frame: Value) {
        self.say_raw(Message::text(frame.to_string())).await;
    }

    pub(crate) async fn say_raw(&mut self, message: Message) {
        self.socket.send(message).await.expect("the connection stands");
    }

    /// Acks a message.
    pub(crate) async fn ack(&mut self, message_id: &Value) {
        self.say(json!({ "type": "ack", "message_id": message_id })).await;
    }

    /// The next thing but pings and pongs.
    pub(crate) async fn next(&mut self) -> Seen {
        loop {
            match self.next_raw().await {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if self.hears_presence || frame["type"] != "presence.update" {
                        return Seen::Frame(frame);
                    }
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    return Seen::Closed(close.code.into(), close.reason.to_string());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("{other:?}"),
                Some(Err(_)) | None => return Seen::Gone,
            }
        }
    }

    /// The next thing at all.
    pub(crate) async fn next_raw(&mut self) -> Option<Result<Message, Error>> {
        tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("something in time")
    }

    pub(crate) async fn frame(&mut self) -> Value {
        match self.next().await {
            Seen::Frame(frame) => frame,
            other => panic!("expected a frame, saw {other:?}"),
        }
    }

    /// The text of the next frame, which must be a `message.new`.
    pub(crate) async fn text(&mut self) -> String {
        let frame = self.frame().await;
        assert_eq!(frame["type"], "message.new", "{frame}");
        frame["payload"]["content"]["text"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn closed(&mut self) -> (u16, String) {
        match self.next().await {
            Seen::Closed(code, reason) => (code, reason),
            other => panic!("expected a close, saw {other:?}"),
        }
    }

    /// Everything the server had to say so far was seen: the next frame answers our ping.
    pub(crate) async fn nothing_more(&mut self) {
        self.say(json!({ "type": "ping" })).await;
        let frame = self.frame().await;
        assert_eq!(frame["type"], "pong", "{frame}");
    }

    /// The kinds of all frames before the answer to our ping.
    pub(crate) async fn kinds(&mut self) -> Vec<String> {
        self.say(json!({ "type": "ping" })).await;
        let mut kinds = Vec::new();
        loop {
            match self.frame().await["type"].as_str().unwrap() {
                "pong" => return kinds,
                kind => kinds.push(kind.to_owned()),
            }
        }
    }

    /// The socket has looked into the store, and what is sent from now on finds it live: it tells that `friend` read
    /// what its agent wrote last, which it may not do before.
    pub(crate) async fn until_live(&mut self, server: &TestServer, friend: &Agent) {
        let conversations = friend.get(server, "/v1/conversations", &[]).await;
        let path = format!("/v1/messages/{}", conversations[0]["id"].as_str().unwrap());
        let history = friend.get(server, &path, &[]).await;
        let received = history.as_array().unwrap().iter().find(|row| row["is_own"] == false).expect("a message");
        let path = format!("/v1/messages/{}/read", received["id"].as_str().unwrap());
        assert_eq!(friend.post(server, &path, &Value::Null).await.status, 200);
        assert_eq!(self.frame().await["type"], "message.read");
    }

    /// The connection without anything that answers pings or closes.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }
}

fn request(server: &TestServer, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = format!("ws://{}/v1/ws", server.running.addr()).into_client_request().unwrap();
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}
