//! A backlog that waits for one agent: from its HELLO until the last of its acks is settled.

use std::io;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::direct::runtime;
use crate::direct::sender::hello;
use crate::process::{Machine, ServerChoice, Service};
use crate::report::{self, Report, table};
use crate::setup::{self, Agent, Caller};
use crate::wire::websocket::{Inbound, WebSocket};
use crate::wire::{broken, scan};

/// Senders that fill the backlog together.
const SENDERS: usize = 16;
/// How often it is asked whether everything is settled.
const LOOK: Duration = Duration::from_millis(2);

/// Arguments of `drain`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerChoice,
    /// Messages that wait
    #[arg(long, default_value_t = 10_000)]
    backlog: usize,
    /// Bytes of a message's text
    #[arg(long, default_value_t = 200)]
    text_bytes: usize,
    /// Runs, each on a fresh server
    #[arg(long, default_value_t = 3)]
    runs: usize,
    #[command(flatten)]
    output: report::Output,
}

/// The figures of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Messages that waited.
    pub backlog: usize,
    /// From the HELLO to the last frame, in milliseconds.
    pub received_ms: f64,
    /// From the HELLO until nothing waited any more.
    pub settled_ms: f64,
}

/// Measures and reports.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut outcomes = Vec::new();
    for _ in 0..arguments.runs.max(1) {
        let server = arguments.server.open()?;
        let outcome = runtime(1)?.block_on(play(arguments, &server.service()))?;
        report::talk(&format!("{:.0} ms to the last ack of {}", outcome.settled_ms, outcome.backlog));
        outcomes.push(outcome);
        server.stop()?;
    }
    let report = Report::new("drain", Machine::inspect(&arguments.server.parent_folder()), &outcomes);
    arguments.output.write(&report, &rows(&outcomes), String::new)
}

async fn play(arguments: &Arguments, service: &Service) -> anyhow::Result<Outcome> {
    let receiver = fill(arguments, service).await?;
    let mut caller = Caller::open(service.address(0)).await?;
    let began = Instant::now();
    let mut socket = hello(service.address(0), &receiver.key, r#"["ack"]"#).await?;
    take(&mut socket, arguments.backlog).await?;
    let received = began.elapsed();
    while caller.undelivered(&receiver).await? > 0 {
        tokio::time::sleep(LOOK).await;
    }
    let settled = began.elapsed();
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    Ok(Outcome { backlog: arguments.backlog, received_ms: millis(received), settled_ms: millis(settled) })
}

/// Lets everybody write to one agent that is not there.
async fn fill(arguments: &Arguments, service: &Service) -> anyhow::Result<Agent> {
    let receiver = setup::seed(service, "receiver", 1).await?.remove(0);
    let senders = setup::seed(service, "sender", SENDERS).await?;
    let pairs = senders.iter().map(|sender| (sender.clone(), receiver.clone())).collect();
    setup::introduce(service, pairs).await?;
    let (address, text, to) = (service.address(0), "x".repeat(arguments.text_bytes), receiver.handle.clone());
    let shares: Vec<(Agent, usize)> = senders
        .into_iter()
        .enumerate()
        .map(|(index, sender)| (sender, arguments.backlog / SENDERS + usize::from(index < arguments.backlog % SENDERS)))
        .collect();
    setup::all(shares, move |(sender, count)| {
        let (text, to) = (text.clone(), to.clone());
        async move {
            let mut caller = Caller::open(address).await?;
            for number in 0..count {
                let body = json!({"to": to, "client_msg_id": format!("m-{number}"), "content": {"text": text}});
                caller.call("POST", "/v1/messages", &sender.key, &body).await?;
            }
            Ok(())
        }
    })
    .await?;
    Ok(receiver)
}

/// Takes and acknowledges so many messages.
async fn take(socket: &mut WebSocket, count: usize) -> io::Result<()> {
    let mut ack = Vec::with_capacity(80);
    let mut taken = 0;
    while taken < count {
        let Inbound::Text(range) = socket.next().await? else { return Err(broken("the server closed the socket")) };
        let Some(payload) = socket.text(&range).strip_prefix(b"{\"type\":\"message.new\",\"payload\":") else {
            continue;
        };
        let id = scan::string(payload, b"\"id\":\"").ok_or_else(|| broken("a message without id"))?;
        ack.clear();
        ack.extend_from_slice(b"{\"type\":\"ack\",\"message_id\":\"");
        ack.extend_from_slice(id);
        ack.extend_from_slice(b"\"}");
        socket.push_text(&ack);
        taken += 1;
    }
    socket.flush().await
}

fn rows(outcomes: &[Outcome]) -> String {
    let row = |outcome: &Outcome| {
        vec![
            format!("{} waiting", outcome.backlog),
            format!("{:.0}", outcome.received_ms),
            format!("{:.0}", outcome.settled_ms),
        ]
    };
    table::markdown(
        &["run", "last frame after ms", "last ack settled after ms"],
        &outcomes.iter().map(row).collect::<Vec<_>>(),
    )
}
