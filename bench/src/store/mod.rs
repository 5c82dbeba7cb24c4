//! The direct send's transaction on the bare store: no server, no sockets, the same operation, the
//! same gathering of acknowledgements, the same fsync before each answer.
//!
//! What the server reaches beside this figure is what HTTP, WebSocket and delivery cost.

mod cast;
mod group;

pub(crate) use self::cast::acquaint;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agentchat_core::Verdict;
use agentchat_core::messages::{Ack, Busy, SendDirect, SendLimits, Settle};
use agentchat_protocol::id::MessageId;
use agentchat_protocol::send::SendRequest;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::key::AgentKey;
use agentchat_store::{PostgresOptions, Store, StoreOptions};
use anyhow::{anyhow, bail};
use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;

use self::cast::Pair;
use crate::direct::outcome::Latency;
use crate::direct::runtime;
use crate::direct::window::{Clock, Window};
use crate::process::{Machine, Usage};
use crate::report::{self, Report, table};
use crate::wire::template::Template;

/// As long as the server gathers acknowledgements.
const GATHER: Duration = Duration::from_millis(20);
const LIMITS: SendLimits = SendLimits {
    cold_cap: 100,
    backlog_hard: 10_000,
    backlog_warn: 5_000,
    expiry_max_s: 30 * 24 * 60 * 60,
    group_send: None,
    loop_guard: None,
};
const CONTENT_BYTES: usize = 32_768;

/// Arguments of `store`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Numbers of senders, one run for each
    #[arg(long, value_delimiter = ',', default_value = "1,64,256")]
    senders: Vec<usize>,
    /// Runs of each, each on a fresh folder
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Seconds before the window opens
    #[arg(long, default_value_t = 2.0)]
    warmup: f64,
    /// Seconds of the window
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    /// Bytes of a message's text
    #[arg(long, default_value_t = 200)]
    text_bytes: usize,
    /// Folder on the disk to be measured
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// All senders write to one receiver
    #[arg(long, conflicts_with = "group")]
    crowd: bool,
    /// All senders write to one group with so many other members
    #[arg(long, value_name = "MEMBERS")]
    group: Option<usize>,
    /// Measure this PostgreSQL database instead; it must be empty
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    #[command(flatten)]
    output: report::Output,
}

/// The figures of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Tasks, each with one send outstanding.
    pub senders: usize,
    /// Sends that were durable within the window.
    pub sent: u64,
    /// The same per second.
    pub sent_per_second: f64,
    /// Until the answer.
    pub answer_us: Latency,
    /// CPU time of the whole process a message, in microseconds.
    pub cpu_us: f64,
    /// Transactions in the window's time; each holds a batch of sends.
    pub commits: u64,
    /// Bytes of the data folder for a message, log excluded.
    pub bytes_per_message: f64,
    /// Envelopes of one message.
    pub recipients: usize,
}

/// Measures and reports.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let parent = arguments.folder.clone().unwrap_or_else(std::env::temp_dir);
    let mut outcomes = Vec::new();
    for &senders in &arguments.senders {
        for _ in 0..arguments.runs.max(1) {
            let folder = tempfile::Builder::new().prefix("agentchat-bench-").tempdir_in(&parent)?;
            let outcome = runtime(2)?.block_on(async {
                measure(arguments, open(arguments, folder.path()).await?, senders, folder.path()).await
            })?;
            report::talk(&format!("{senders} on the bare store: {:.0}/s", outcome.sent_per_second));
            outcomes.push(outcome);
        }
    }
    let report = Report::new("store", Machine::inspect(&parent), &outcomes);
    arguments.output.write(&report, &rows(&outcomes), String::new)
}

/// What all tasks share.
struct Bench {
    store: Store,
    clock: Clock,
    window: Window,
    acks: Mutex<Vec<Ack>>,
    busy: Busy,
}

async fn open(arguments: &Arguments, folder: &std::path::Path) -> anyhow::Result<Store> {
    Ok(match &arguments.database_url {
        Some(url) => Store::connect(PostgresOptions::parse(url)?).await?,
        None => Store::open(StoreOptions::new(folder))?,
    })
}

/// Sends a second on the store of a fresh PostgreSQL database.
pub(crate) async fn on_postgres(url: &str, senders: usize, seconds: f64) -> anyhow::Result<f64> {
    let arguments = Arguments {
        senders: Vec::new(),
        runs: 1,
        warmup: 2.0,
        seconds,
        text_bytes: 200,
        folder: None,
        crowd: false,
        group: None,
        database_url: None,
        output: report::Output::default(),
    };
    let store = Store::connect(PostgresOptions::parse(url)?).await?;
    let nowhere = std::path::Path::new("/nonexistent");
    Ok(measure(&arguments, store, senders, nowhere).await?.sent_per_second)
}

async fn measure(
    arguments: &Arguments,
    store: Store,
    senders: usize,
    folder: &std::path::Path,
) -> anyhow::Result<Outcome> {
    if let Some(members) = arguments.group {
        return group::measure(arguments, store, senders, members, folder).await;
    }
    let pairs =
        if arguments.crowd { cast::crowd(&store, senders).await? } else { cast::acquaint(&store, senders).await? };
    let clock = Clock::start();
    let (warmup, length) = (Duration::from_secs_f64(arguments.warmup), Duration::from_secs_f64(arguments.seconds));
    let window = Window::after(clock.nanos(), warmup, length);
    // The one inbox of a crowd is always busy.
    let busy = if arguments.crowd { Busy::Wait } else { Busy::Leave };
    let bench = Arc::new(Bench { store, clock, window, acks: Mutex::default(), busy });
    let sending = pairs
        .into_iter()
        .enumerate()
        .map(|(number, pair)| send(bench.clone(), pair, number, arguments.text_bytes))
        .collect();
    outcome(&bench, sending, 1, folder).await
}

/// Runs all senders to the end of the window, the acks' settling beside them.
async fn outcome<F>(bench: &Arc<Bench>, sending: Vec<F>, recipients: usize, folder: &Path) -> anyhow::Result<Outcome>
where
    F: Future<Output = anyhow::Result<(u64, Vec<u32>)>> + Send + 'static,
{
    let senders = sending.len();
    let settling = tokio::spawn(settle(bench.clone()));
    let mut tasks: JoinSet<_> = sending.into_iter().collect();
    let usage = tokio::spawn(watch(bench.clone()));
    let (mut total, mut answers) = (0, Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (sent, samples) = done??;
        total += sent;
        answers.extend(samples);
    }
    settling.await??;
    let (cpu, commits) = usage.await??;
    bench.store.close().await;
    let sent = answers.len() as u64;
    Ok(Outcome {
        senders,
        sent,
        sent_per_second: sent as f64 / bench.window.seconds(),
        answer_us: Latency::of(answers),
        cpu_us: cpu.as_micros() as f64 / sent.max(1) as f64,
        commits,
        bytes_per_message: database_bytes(folder) as f64 / total.max(1) as f64,
        recipients,
    })
}

/// Sends until the window ends: how many in all, and the answers' times within the window.
async fn send(bench: Arc<Bench>, pair: Pair, number: usize, text_bytes: usize) -> anyhow::Result<(u64, Vec<u32>)> {
    let mut template = Template::new(number, pair.receiver_handle.as_str(), text_bytes, "load", |members| {
        format!("{{{members}}}").into_bytes()
    });
    let (mut counter, mut samples) = (0, Vec::with_capacity(4096));
    loop {
        let started = bench.clock.nanos();
        if started >= bench.window.end {
            return Ok((counter, samples));
        }
        let operation = operation(pair.sender, template.stamp(counter, started))?;
        let sent = bench.store.write(operation).await.map_err(|error| anyhow!("a send failed: {error}"))?;
        if sent.replayed || sent.deliveries.len() != 1 {
            bail!("a send was no first write to one recipient");
        }
        let ack = Ack { agent: pair.receiver, message: sent.message.id };
        bench.acks.lock().unwrap_or_else(PoisonError::into_inner).push(ack);
        let now = bench.clock.nanos();
        if bench.window.bucket(now).is_some() {
            samples.push(((now - started) / 1000) as u32);
        }
        counter += 1;
    }
}

fn operation(sender: AgentKey, body: &[u8]) -> anyhow::Result<SendDirect> {
    let request = SendRequest::parse(body, CONTENT_BYTES).map_err(|error| anyhow!("{error:?}"))?;
    Ok(SendDirect {
        sender,
        client_msg_id: request.client_msg_id.clone().unwrap_or_default(),
        request,
        now: now(),
        message_id: MessageId::from_bytes(uuid::Uuid::now_v7().into_bytes()),
        conversation_id: uuid::Uuid::now_v7().into_bytes(),
        verdict: Verdict::Granted,
        limits: LIMITS,
    })
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_millis(since.map_or(0, |since| since.as_millis() as i64))
}

/// Settles what was gathered, again and again, and what is left at the end.
async fn settle(bench: Arc<Bench>) -> anyhow::Result<()> {
    loop {
        let over = bench.clock.nanos() > bench.window.end + GATHER.as_nanos() as u64 * 5;
        let acks = std::mem::take(&mut *bench.acks.lock().unwrap_or_else(PoisonError::into_inner));
        for acks in acks.chunks(1024) {
            let operation = Settle { acks: acks.to_vec(), busy: bench.busy, now: now() };
            let settled = bench.store.write_own(operation).await.map_err(|error| anyhow!("acks failed: {error}"))?;
            bench.acks.lock().unwrap_or_else(PoisonError::into_inner).extend(settled.left);
        }
        if over {
            return Ok(());
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// CPU time and commits within the window.
async fn watch(bench: Arc<Bench>) -> anyhow::Result<(Duration, u64)> {
    let until = |nanos: u64| Duration::from_nanos(nanos.saturating_sub(bench.clock.nanos()));
    let look = || anyhow::Ok((Usage::of(std::process::id())?, bench.store.stats().commits));
    tokio::time::sleep(until(bench.window.start)).await;
    let (from, first) = look()?;
    tokio::time::sleep(until(bench.window.end)).await;
    let (to, last) = look()?;
    Ok((to.cpu_since(&from), last - first))
}

fn database_bytes(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| !entry.file_name().to_string_lossy().contains("-wal"));
    files.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

fn rows(outcomes: &[Outcome]) -> String {
    let row = |outcome: &Outcome| {
        vec![
            format!("store {}", outcome.senders),
            format!("{:.0}", outcome.sent_per_second),
            format!("{:.0}", outcome.sent_per_second * outcome.recipients as f64),
            outcome.answer_us.p50.to_string(),
            outcome.answer_us.p99.to_string(),
            format!("{:.0}", outcome.cpu_us),
            format!("{:.1}", outcome.sent as f64 / outcome.commits.max(1) as f64),
            format!("{:.0}", outcome.bytes_per_message),
        ]
    };
    let rows: Vec<Vec<String>> = outcomes.iter().map(row).collect();
    table::markdown(
        &["run", "sent/s", "envelopes/s", "answer p50 µs", "p99 µs", "CPU µs/msg", "sends/commit", "bytes/msg"],
        &rows,
    )
}
