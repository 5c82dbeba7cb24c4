//! realtime.md §11: server-sent events.

use std::time::Duration;

use agentchat_store::Engine;
use agentchat_store_test::store_test;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::peer::{Agent, Peer, friends, start, start_with};
use super::presence::{at_once, clock, put};
use crate::client::{Answer, TestServer};

const PATIENCE: Duration = Duration::from_secs(10);

/// The client's end of a stream.
pub(crate) struct Events {
    stream: TcpStream,
    head: String,
    body: String,
    raw: Vec<u8>,
}

/// One event, or a comment without a kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    id: Option<String>,
    kind: String,
    data: Value,
}

impl Events {
    /// Asks for the stream and reads the head of the answer.
    pub(crate) async fn ask(server: &TestServer, agent: &Agent, last: Option<&str>) -> Self {
        let mut stream = TcpStream::connect(server.running.addr()).await.unwrap();
        let last = last.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        let bearer = agent.bearer();
        let request = format!("GET /v1/events HTTP/1.1\r\nHost: test\r\nAuthorization: {bearer}\r\n{last}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut events = Self { stream, head: String::new(), body: String::new(), raw: Vec::new() };
        while events.head.is_empty() {
            events.read().await;
            if let Some(end) = events.raw.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                events.head = String::from_utf8(events.raw.drain(..end + 4).collect()).unwrap();
            }
        }
        events
    }

    /// A stream that is open; `hello.ok` was read.
    pub(crate) async fn open(server: &TestServer, agent: &Agent, last: Option<&str>) -> Self {
        let mut events = Self::ask(server, agent, last).await;
        assert!(events.head.starts_with("HTTP/1.1 200"), "{}", events.head);
        assert_eq!(events.block().await.as_deref(), Some("retry: 2000"));
        let hello = events.next().await;
        assert_eq!((hello.kind.as_str(), &hello.id), ("hello.ok", &None));
        events
    }

    async fn read(&mut self) -> usize {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.raw));
        read.await.expect("something in time").unwrap()
    }

    /// The next block of lines; `None` at the end of the body.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.body.find("\n\n") {
                let block = self.body[..end].to_owned();
                self.body.drain(..end + 2);
                return Some(block);
            }
            match self.chunk() {
                Some(chunk) if chunk.is_empty() => return None,
                Some(chunk) => self.body.push_str(&chunk),
                None if self.read().await == 0 => return None,
                None => {}
            }
        }
    }

    /// A whole chunk of the body, if one is there.
    fn chunk(&mut self) -> Option<String> {
        let line = self.raw.windows(2).position(|bytes| bytes == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&self.raw[..line]).unwrap(), 16).unwrap();
        let whole = line + 2 + size + 2;
        (self.raw.len() >= whole).then(|| {
            let chunk: Vec<u8> = self.raw.drain(..whole).skip(line + 2).take(size).collect();
            String::from_utf8(chunk).unwrap()
        })
    }

    /// The next event; comments are left out.
    pub(crate) async fn next(&mut self) -> Seen {
        loop {
            let block = self.block().await.expect("the stream goes on");
            if !block.starts_with(':') {
                return seen(&block);
            }
        }
    }

    /// The next event, which must be a message: its text and id.
    pub(crate) async fn text(&mut self) -> (String, String) {
        let seen = self.next().await;
        assert_eq!(seen.kind, "message.new", "{seen:?}");
        let id = seen.id.clone().unwrap_or_else(|| panic!("{seen:?}"));
        assert_eq!(seen.data["payload"]["delivery_id"], id);
        (seen.data["payload"]["content"]["text"].as_str().unwrap().to_owned(), id)
    }

    async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(self.text().await.0);
        }
        texts
    }

    /// The closing event and the end.
    pub(crate) async fn closed(&mut self) -> (u64, String) {
        let seen = self.next().await;
        assert_eq!((seen.kind.as_str(), &seen.id), ("close", &None), "{seen:?}");
        assert_eq!(self.block().await, None, "the end");
        (seen.data["code"].as_u64().unwrap(), seen.data["reason"].as_str().unwrap().to_owned())
    }
}

fn seen(block: &str) -> Seen {
    let mut lines = block.lines().peekable();
    let id = lines.peek().and_then(|line| line.strip_prefix("id: ")).map(str::to_owned);
    if id.is_some() {
        lines.next();
    }
    let kind = lines.next().and_then(|line| line.strip_prefix("event: ")).unwrap_or_else(|| panic!("{block}"));
    let data = lines.next().and_then(|line| line.strip_prefix("data: ")).unwrap_or_else(|| panic!("{block}"));
    assert_eq!(lines.next(), None, "{block}");
    let data: Value = serde_json::from_str(data).unwrap();
    if kind != "close" {
        assert_eq!(data["type"], kind);
    }
    Seen { id, kind: kind.to_owned(), data }
}

async fn refused(server: &TestServer, key: &str) -> Answer {
    server.request("GET", "/v1/events", &[("Authorization", &format!("Bearer {key}"))], b"").await
}

#[store_test]
async fn a_stream_begins_with_hello_and_what_waits_and_goes_on_live(engine: Engine) {
    let server = start_with(engine, |config| config.limits.set("send=off").unwrap()).await;
    let (alice, bob) = friends(&server).await;
    let mut sent = Vec::new();
    for number in 0..150 {
        sent.push(alice.send(&server, &bob, &number.to_string()).await);
    }
    let mut events = Events::ask(&server, &bob, None).await;
    let head = events.head.to_ascii_lowercase();
    for header in ["content-type: text/event-stream\r\n", "cache-control: no-store\r\n", "x-accel-buffering: no\r\n"] {
        assert!(head.contains(header), "{head}");
    }
    assert_eq!(events.block().await.as_deref(), Some("retry: 2000"));
    let hello = events.next().await.data;
    assert_eq!(hello["handle"], "bobby");
    assert_eq!((&hello["capabilities"], &hello["heartbeat_interval_ms"]), (&json!(["ack"]), &json!(15_000)));
    for (number, message) in sent.iter().enumerate() {
        let row = events.next().await;
        assert_eq!(row.data["payload"]["id"], message["id"], "{number}");
    }
    alice.send(&server, &bob, "live").await;
    assert_eq!(events.text().await.0, "live");
    bob.send(&server, &alice, "my own").await;
    let text = "line\nbreaks\r\n\n and \u{2028}";
    let body = json!({ "to": "bobby", "client_msg_id": "breaks", "content": { "text": text } });
    assert_eq!(alice.post(&server, "/v1/messages", &body).await.status, 201);
    assert_eq!(events.text().await.0, text);
    assert_eq!(bob.undelivered(&server).await, 152, "reading settles nothing");
}

#[store_test]
async fn last_event_id_resumes_behind_it_without_loss_or_double(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    for number in 0..10 {
        alice.send(&server, &bob, &number.to_string()).await;
    }
    let mut events = Events::open(&server, &bob, None).await;
    assert_eq!(events.texts(4).await, ["0", "1", "2", "3"]);
    let (_, last) = events.text().await;
    drop(events);
    for number in 10..20 {
        alice.send(&server, &bob, &number.to_string()).await;
    }
    let mut events = Events::open(&server, &bob, Some(&last)).await;
    let expected: Vec<String> = (5..20).map(|number| number.to_string()).collect();
    assert_eq!(events.texts(15).await, expected);
    alice.send(&server, &bob, "live").await;
    let (text, newest) = events.text().await;
    assert_eq!(text, "live");
    let mut events = Events::open(&server, &bob, Some(&newest)).await;
    alice.send(&server, &bob, "newer").await;
    assert_eq!(events.text().await.0, "newer");
    // A cursor that says nothing to this agent: from the beginning.
    let (mut unknown, mut foreign) = (Vec::new(), Vec::new());
    bob.send(&server, &alice, "for alice").await;
    let theirs = alice.get(&server, "/v1/messages/sync", &[]).await[0]["delivery_id"].as_str().unwrap().to_owned();
    unknown.extend(Events::open(&server, &bob, Some("del_0123")).await.texts(22).await);
    foreign.extend(Events::open(&server, &bob, Some(&theirs)).await.texts(22).await);
    assert_eq!((unknown.len(), &unknown[0]), (22, &"0".to_owned()));
    assert_eq!(unknown, foreign);
}

#[store_test]
async fn what_is_acked_by_a_call_does_not_come_again(engine: Engine) {
    let server = start(engine).await;
    let (alice, bob) = friends(&server).await;
    for number in 0..3 {
        alice.send(&server, &bob, &number.to_string()).await;
    }
    let mut events = Events::open(&server, &bob, None).await;
    events.text().await;
    let (_, second) = events.text().await;
    let body = json!({ "last_delivery_id": second });
    assert_eq!(bob.post(&server, "/v1/messages/sync/ack", &body).await.json(), json!({ "acked": 2 }));
    assert_eq!(Events::open(&server, &bob, None).await.text().await.0, "2");
}

#[store_test]
async fn nothing_is_offered_again_on_a_stream(engine: Engine) {
    let server = start_with(engine, |config| {
        config.reoffer = Duration::from_millis(50);
        config.timing.stream_ping = Duration::from_millis(200);
    })
    .await;
    let (alice, bob) = friends(&server).await;
    alice.send(&server, &bob, "once").await;
    let mut events = Events::open(&server, &bob, None).await;
    assert_eq!(events.text().await.0, "once");
    for _ in 0..3 {
        assert_eq!(events.block().await.as_deref(), Some(": ping"));
    }
}

#[store_test]
async fn a_stream_ends_with_4403_when_the_key_is_replaced(engine: Engine) {
    let server = start_with(engine, |config| config.limits.otp_cooldown_s = 0).await;
    let (alice, bob) = friends(&server).await;
    let mut events = Events::open(&server, &bob, None).await;
    crate::nodes::accounts::rotate(&server, &bob).await;
    assert_eq!(events.closed().await, (4403, "API key rotated".into()));
    assert_eq!(refused(&server, &bob.key).await.refusal(), (401, "UNAUTHORIZED".into()));
    let mut events = Events::open(&server, &alice, None).await;
    let deleted = server.request("DELETE", "/v1/agents/alice", &[("Authorization", &alice.bearer())], b"").await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    assert_eq!(events.closed().await, (4403, "Account deleted".into()));
}

#[store_test]
async fn a_shutdown_ends_streams_with_1001(engine: Engine) {
    let server = start(engine).await;
    let alice = Agent::new(&server, "alice").await;
    let mut events = Events::open(&server, &alice, None).await;
    server.running.shutdown();
    assert_eq!(events.closed().await, (1001, "Server shutting down".into()));
    server.running.wait().await;
}

#[store_test]
async fn streams_and_sockets_are_counted_together(engine: Engine) {
    let server = start_with(engine, |config| config.limits.set("sockets_per_agent=2").unwrap()).await;
    let (alice, _) = friends(&server).await;
    let events = Events::open(&server, &alice, None).await;
    let _socket = Peer::acking(&server, &alice).await;
    let full = refused(&server, &alice.key).await;
    assert_eq!(full.refusal(), (429, "RATE_LIMITED".into()));
    assert_eq!(full.json()["details"]["reason"], "connections");
    assert!(full.header("retry-after").is_some());
    let metrics = server.get("/metrics").await.body;
    assert!(metrics.contains("agentchat_ws_connections{kind=\"stream\"}"), "{metrics}");
    // Whoever leaves makes room.
    drop(events);
    crate::nodes::until("there is room", async || {
        Events::ask(&server, &alice, None).await.head.starts_with("HTTP/1.1 200")
    })
    .await;
}

#[store_test]
async fn connecting_too_often_is_refused(engine: Engine) {
    let server = start_with(engine, |config| config.limits.set("ws_connect=1/60").unwrap()).await;
    let alice = Agent::new(&server, "alice").await;
    let _events = Events::open(&server, &alice, None).await;
    let refused = refused(&server, &alice.key).await;
    assert_eq!(refused.refusal(), (429, "RATE_LIMITED".into()));
    assert_eq!(refused.json()["details"]["reason"], "ws_connect");
}

#[store_test]
async fn a_stream_makes_its_agent_present_and_hears_of_others(engine: Engine) {
    let clock = clock();
    let server = start_with(engine, |config| at_once(config, &clock)).await;
    let (alice, bob) = friends(&server).await;
    let mut watcher = Events::open(&server, &alice, None).await;
    put(&server, &bob, json!({ "status": "busy", "custom_message": "x" })).await;
    let told = watcher.next().await;
    assert_eq!((told.kind.as_str(), &told.id), ("presence.update", &None));
    assert_eq!(told.data["payload"], json!({ "handle": "bobby", "status": "busy", "custom_message": "x" }));
    assert_eq!(super::presence::seen(&server, &bob, &alice).await, "online");
    drop(watcher);
    crate::nodes::until("it is gone", async || super::presence::seen(&server, &bob, &alice).await == "offline").await;
}

#[store_test]
async fn a_client_that_does_not_read_is_given_up(engine: Engine) {
    let server = start_with(engine, |config| {
        config.limits.set("send=off").unwrap();
        config.timing.stalled = Duration::from_millis(300);
        config.timing.farewell = Duration::from_millis(100);
    })
    .await;
    let (alice, bob) = friends(&server).await;
    let _deaf = Events::open(&server, &bob, None).await;
    let text = "x".repeat(30_000);
    let mut stored = 0;
    // What the operating system takes without the client is not known; in the end the server gives up.
    while super::presence::seen(&server, &bob, &bob).await == "online" {
        stored += 1;
        assert!(stored < 2_000, "never given up");
        alice.send(&server, &bob, &format!("{stored} {text}")).await;
    }
    assert_eq!(bob.undelivered(&server).await, stored);
}
