//! Senders, receivers and those who are refused, until the server dies under them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, bail};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep};

use crate::direct::Transport;
use crate::direct::sender::{HttpLine, Line, SocketLine, Task, hello};
use crate::direct::window::Clock;
use crate::process::Server;
use crate::setup::{self, Agent, Caller, Conversation};
use crate::wire::template::Stamp;
use crate::wire::websocket::{Inbound, WebSocket};
use crate::wire::{broken, scan};

const TEXT_BYTES: usize = 120;
/// Agents whose second cold message is refused.
const REFUSED: usize = 4;

/// Everything that is known from the clients' side.
pub(crate) struct Field {
    pub(crate) pairs: Vec<Pair>,
    pub(crate) strangers: Vec<Stranger>,
    transport: Transport,
    clock: Clock,
}

/// A sender, its receiver, and their conversation's book.
pub(crate) struct Pair {
    pub(crate) sender: Agent,
    pub(crate) receiver: Agent,
    pub(crate) conversation: Conversation,
    pub(crate) book: SharedBook,
    /// Up to where earlier audits looked.
    pub(crate) audited: u64,
}

/// Shared with the tasks of a round.
pub(crate) type SharedBook = Arc<Mutex<Book>>;

/// What the clients of a pair saw.
#[derive(Default)]
pub(crate) struct Book {
    next_counter: u64,
    /// Counter → `seq` of every acknowledged send.
    pub(crate) acked: BTreeMap<u64, u64>,
    /// The send that is not answered yet, with the time stamped into it.
    unanswered: Option<(u64, u64)>,
    /// Sends of this round that were not answered, and how many of them the server had kept.
    pub(crate) unanswered_and_kept: (u64, u64),
    /// Every `seq` that was delivered, over all connections.
    pub(crate) delivered: BTreeSet<u64>,
    /// Deliveries that were not above the one before on the same connection.
    pub(crate) out_of_order: u64,
}

/// Someone who got no reply and tries again all the same.
pub(crate) struct Stranger {
    pub(crate) agent: Agent,
    pub(crate) target: Agent,
    pub(crate) conversation: String,
    pub(crate) refused: Arc<Mutex<u64>>,
}

/// The tasks of one round.
pub(crate) struct Load {
    tasks: JoinSet<io::Result<()>>,
}

pub(crate) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Field {
    pub(crate) async fn set_up(server: &Server, pairs: usize, transport: Transport) -> anyhow::Result<Self> {
        let service = server.service();
        let senders = setup::seed(&service, "sender", pairs).await?;
        let receivers = setup::seed(&service, "receiver", pairs).await?;
        let both: Vec<(Agent, Agent)> = senders.into_iter().zip(receivers).collect();
        let conversations = setup::introduce(&service, both.clone()).await?;
        let pairs: Vec<Pair> = both.into_iter().zip(conversations).map(Pair::new).collect();
        let strangers = strangers(server, &pairs).await?;
        Ok(Self { pairs, strangers, transport, clock: Clock::start() })
    }

    pub(crate) async fn begin(&self, server: &Server) -> anyhow::Result<Load> {
        let mut tasks = JoinSet::new();
        for pair in &self.pairs {
            let socket = hello(server.address, &pair.receiver.key, r#"["ack"]"#).await?;
            tasks.spawn(receive(socket, pair.book.clone()));
        }
        for (index, pair) in self.pairs.iter().enumerate() {
            let (task, book, clock) = (pair.task(index, server), pair.book.clone(), self.clock);
            match self.transport {
                Transport::Http => tasks.spawn(send(HttpLine::open(&task).await?, book, clock)),
                Transport::Ws => tasks.spawn(send(SocketLine::open(&task).await?, book, clock)),
            };
        }
        for stranger in &self.strangers {
            tasks.spawn(insist(
                server.address,
                stranger.agent.clone(),
                stranger.target.handle.clone(),
                stranger.refused.clone(),
            ));
        }
        Ok(Load { tasks })
    }

    /// Waits until every task noticed that its server is dead.
    pub(crate) async fn end(&self, mut load: Load) -> anyhow::Result<()> {
        while let Some(ended) = load.tasks.join_next().await {
            if let Err(error) = ended? {
                check_is_disconnect(&error)?;
            }
        }
        Ok(())
    }

    /// Sends once more, with the same id, whatever was not answered before the crash.
    pub(crate) async fn repeat_unanswered(&self, server: &Server) -> anyhow::Result<()> {
        for (index, pair) in self.pairs.iter().enumerate() {
            let Some((counter, nanos)) = lock(&pair.book).unanswered else {
                continue;
            };
            let mut line = HttpLine::open(&pair.task(index, server)).await?;
            let (seq, kept) = line.repeat(counter, nanos).await.context("repeating an unanswered send")?;
            lock(&pair.book).settle_unanswered(counter, seq, kept);
        }
        Ok(())
    }
}

impl Pair {
    fn new(((sender, receiver), conversation): ((Agent, Agent), Conversation)) -> Self {
        let audited = conversation.last_seq;
        Self { sender, receiver, conversation, book: SharedBook::default(), audited }
    }

    fn task(&self, index: usize, server: &Server) -> Task {
        Task {
            address: server.address,
            pair: index,
            sender: self.sender.clone(),
            to: self.receiver.handle.clone(),
            text_bytes: TEXT_BYTES,
        }
    }
}

async fn strangers(server: &Server, pairs: &[Pair]) -> anyhow::Result<Vec<Stranger>> {
    let mut caller = Caller::open(server.address).await?;
    let mut strangers = Vec::new();
    for (agent, pair) in
        setup::seed(&server.service(), "stranger", REFUSED.min(pairs.len())).await?.into_iter().zip(pairs)
    {
        let row = caller.send(&agent, &pair.receiver.handle, "first", "anybody there?").await?;
        let conversation = row["conversation_id"].as_str().context("no conversation_id")?.to_owned();
        let target = pair.receiver.clone();
        caller.drain(&target).await?;
        strangers.push(Stranger { agent, target, conversation, refused: Arc::default() });
    }
    Ok(strangers)
}

fn check_is_disconnect(error: &io::Error) -> anyhow::Result<()> {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    if !matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof) {
        bail!("a client broke off before the crash: {error}");
    }
    Ok(())
}

async fn send<L: Line>(mut line: L, book: SharedBook, clock: Clock) -> io::Result<()> {
    loop {
        let (counter, nanos) = lock(&book).begin(clock);
        match line.send(counter, nanos).await? {
            Ok(seq) => lock(&book).acknowledge(counter, seq),
            Err(refusal) => return Err(broken(&String::from_utf8_lossy(&refusal))),
        }
    }
}

impl Book {
    fn begin(&mut self, clock: Clock) -> (u64, u64) {
        let send = (self.next_counter, clock.nanos());
        self.next_counter += 1;
        self.unanswered = Some(send);
        send
    }

    fn acknowledge(&mut self, counter: u64, seq: u64) {
        self.acked.insert(counter, seq);
        self.unanswered = None;
    }

    fn settle_unanswered(&mut self, counter: u64, seq: u64, kept: bool) {
        self.acknowledge(counter, seq);
        self.unanswered_and_kept = (1, u64::from(kept));
    }
}

/// Takes and acknowledges deliveries until the connection breaks.
pub(crate) async fn receive(mut socket: WebSocket, book: SharedBook) -> io::Result<()> {
    let mut last = 0;
    loop {
        let Inbound::Text(range) = socket.next().await? else {
            return Err(broken("the server closed a receiver's socket"));
        };
        let text = socket.text(&range);
        if !text.starts_with(b"{\"type\":\"message.new\"") || Stamp::find(text).is_none() {
            continue;
        }
        let seq = scan::number(text, b"\"seq\":").ok_or_else(|| broken("a message without seq"))?;
        let id = scan::string(text, b"\"id\":\"").ok_or_else(|| broken("a message without id"))?;
        let ack = format!(r#"{{"type":"ack","message_id":"{}"}}"#, String::from_utf8_lossy(id));
        socket.push_text(ack.as_bytes());
        let mut book = lock(&book);
        book.out_of_order += u64::from(seq <= last);
        book.delivered.insert(seq);
        last = seq;
    }
}

/// Sends to someone who never replied; every attempt must be refused.
async fn insist(address: std::net::SocketAddr, agent: Agent, to: String, refused: Arc<Mutex<u64>>) -> io::Result<()> {
    let mut caller = Caller::open(address).await.map_err(io::Error::other)?;
    loop {
        let attempt = *lock(&refused);
        let body = json!({"to": to, "client_msg_id": format!("again-{attempt}"), "content": {"text": "hello?"}});
        match caller.answer("POST", "/v1/messages", &agent.key, &body).await {
            Ok((403, answer)) if answer["code"] == "AWAITING_REPLY" => *lock(&refused) += 1,
            Ok((status, answer)) => {
                return Err(broken(&format!("expected a refusal, got {status}: {answer}")));
            }
            Err(error) => return error.downcast::<io::Error>().map_or(Ok(()), Err),
        }
        sleep(Duration::from_millis(1)).await;
    }
}
