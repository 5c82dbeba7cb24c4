//! The senders' hot loops: stamp, send, wait for the answer, again.

use std::io;
use std::net::SocketAddr;

use super::window::{Clock, Window};
use crate::setup::Agent;
use crate::wire::http::{HttpConnection, request};
use crate::wire::scan;
use crate::wire::template::Template;
use crate::wire::websocket::{Inbound, WebSocket};
use crate::wire::{broken, http};

/// The counter of each sender's last message: the receiver may go home.
pub(crate) const FAREWELL: u64 = 999_999_999_999;

/// Refusals after which a sender gives up.
const REFUSALS: u64 = 100;

/// What a sender is to do.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) address: SocketAddr,
    pub(crate) pair: usize,
    pub(crate) sender: Agent,
    pub(crate) to: String,
    pub(crate) text_bytes: usize,
}

/// What a sender saw.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) acked: u64,
    pub(crate) last_seq: u64,
    pub(crate) refused: u64,
    pub(crate) refusal: Option<String>,
    pub(crate) answers_us: Vec<u32>,
    pub(crate) buckets: Vec<u32>,
}

impl Tally {
    fn new(window: &Window) -> Self {
        Self {
            acked: 0,
            last_seq: 0,
            refused: 0,
            refusal: None,
            answers_us: Vec::with_capacity(4096),
            buckets: vec![0; window.buckets()],
        }
    }

    fn enter(&mut self, window: &Window, sent: u64, now: u64, seq: u64) {
        self.acked += 1;
        self.last_seq = seq;
        if let Some(bucket) = window.bucket(now) {
            self.buckets[bucket] += 1;
            self.answers_us.push(((now - sent) / 1000) as u32);
        }
    }

    #[cold]
    fn refuse(&mut self, text: &[u8]) -> io::Result<()> {
        self.refused += 1;
        let text = String::from_utf8_lossy(text);
        self.refusal.get_or_insert_with(|| text.clone().into_owned());
        if self.refused >= REFUSALS {
            return Err(broken(&format!("{REFUSALS} sends were refused, the last with {text}")));
        }
        Ok(())
    }
}

/// A connection that can send a stamped message and wait for the answer.
pub(crate) trait Line {
    /// The `seq` that the server gave, or its refusal.
    async fn send(&mut self, counter: u64, nanos: u64) -> io::Result<Result<u64, Vec<u8>>>;
}

/// Sends until the window ends, then says farewell.
pub(crate) async fn run<L: Line>(mut line: L, clock: Clock, window: Window) -> io::Result<Tally> {
    let mut tally = Tally::new(&window);
    let mut counter = 0;
    let mut sent = clock.nanos();
    while sent < window.end {
        let answer = line.send(counter, sent).await?;
        let now = clock.nanos();
        match answer {
            Ok(seq) => tally.enter(&window, sent, now, seq),
            Err(refusal) => tally.refuse(&refusal)?,
        }
        counter += 1;
        sent = now;
    }
    match line.send(FAREWELL, sent).await? {
        Ok(seq) => tally.enter(&window, sent, u64::MAX, seq),
        Err(refusal) => return Err(broken(&String::from_utf8_lossy(&refusal))),
    }
    Ok(tally)
}

/// Sends over `POST /v1/messages`.
pub(crate) struct HttpLine {
    connection: HttpConnection,
    template: Template,
}

impl HttpLine {
    pub(crate) async fn open(task: &Task) -> io::Result<Self> {
        let connection = HttpConnection::open(task.address).await?;
        let template = Template::new(task.pair, &task.to, task.text_bytes, "load", |members| {
            request("POST", "/v1/messages", task.address, &task.sender.key, &format!("{{{members}}}"))
        });
        Ok(Self { connection, template })
    }
}

impl HttpLine {
    /// Repeats a send whose answer never came: its `seq`, and whether the server had kept it.
    pub(crate) async fn repeat(&mut self, counter: u64, nanos: u64) -> io::Result<(u64, bool)> {
        let http::Answer { status, body } = self.connection.exchange(self.template.stamp(counter, nanos)).await?;
        match scan::number(body, b"\"seq\":") {
            Some(seq) if matches!(status, 200 | 201) => Ok((seq, status == 200)),
            _ => Err(broken(&String::from_utf8_lossy(body))),
        }
    }
}

impl Line for HttpLine {
    async fn send(&mut self, counter: u64, nanos: u64) -> io::Result<Result<u64, Vec<u8>>> {
        let http::Answer { status, body } = self.connection.exchange(self.template.stamp(counter, nanos)).await?;
        match scan::number(body, b"\"seq\":") {
            Some(seq) if status == 201 => Ok(Ok(seq)),
            _ => Ok(Err([status.to_string().as_bytes(), b" ", body].concat())),
        }
    }
}

/// Sends `message.send` frames.
pub(crate) struct SocketLine {
    socket: WebSocket,
    template: Template,
}

impl SocketLine {
    pub(crate) async fn open(task: &Task) -> io::Result<Self> {
        let socket = hello(task.address, &task.sender.key, "[]").await?;
        let template = Template::new(task.pair, &task.to, task.text_bytes, "load", |members| {
            format!(r#"{{"type":"message.send","request_id":"{}",{members}}}"#, task.pair).into_bytes()
        });
        Ok(Self { socket, template })
    }
}

impl Line for SocketLine {
    async fn send(&mut self, counter: u64, nanos: u64) -> io::Result<Result<u64, Vec<u8>>> {
        self.socket.push_text(self.template.stamp(counter, nanos));
        self.socket.flush().await?;
        loop {
            let Inbound::Text(range) = self.socket.next().await? else {
                return Err(broken("the server closed the socket"));
            };
            let text = self.socket.text(&range);
            if text.starts_with(b"{\"type\":\"message.sent\"") {
                let seq = scan::number(text, b"\"seq\":").ok_or_else(|| broken("an answer without seq"))?;
                return Ok(Ok(seq));
            }
            if text.starts_with(b"{\"type\":\"error\"") {
                return Ok(Err(text.to_vec()));
            }
        }
    }
}

/// A socket that said HELLO and was answered; `capabilities` is a JSON array.
pub(crate) async fn hello(address: SocketAddr, key: &str, capabilities: &str) -> io::Result<WebSocket> {
    let mut socket = WebSocket::open(address, 4096).await?;
    socket.push_text(format!(r#"{{"type":"hello","api_key":"{key}","capabilities":{capabilities}}}"#).as_bytes());
    match socket.next().await? {
        Inbound::Text(range) if socket.text(&range).starts_with(b"{\"type\":\"hello.ok\"") => Ok(socket),
        Inbound::Text(range) => Err(broken(&String::from_utf8_lossy(socket.text(&range)))),
        Inbound::Close { code } => Err(broken(&format!("HELLO was answered by close {code}"))),
    }
}
