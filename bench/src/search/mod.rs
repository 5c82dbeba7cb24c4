//! Search among many messages of one caller: how fast they are taken into the index, and how long queries take.
//!
//! The messages are written by the server's own operations into the store, before there is a server (`seed`); their
//! texts are drawn from a vocabulary of which few words are common (`vocabulary`). Then a server starts and indexes, and
//! `queries` asks.

mod queries;
mod seed;
mod vocabulary;

use std::path::Path;
use std::time::{Duration, Instant};

use agentchat_store::{PostgresOptions, Store, StoreOptions};
use anyhow::{Context, bail};
use clap::Args;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Serialize;

pub use self::queries::Asked;
use self::queries::Source;
use self::seed::Seeded;
use self::vocabulary::Vocabulary;
use crate::direct::runtime;
use crate::process::{Launch, Machine, Server, ServerChoice};
use crate::report::{self, Report, table};
use crate::wire::http::{HttpConnection, request};

/// How often it is asked whether everything is indexed.
const LOOK: Duration = Duration::from_millis(200);
/// How long nothing may be indexed.
const PATIENCE: Duration = Duration::from_secs(60);
const MIB: f64 = 1024.0 * 1024.0;

/// Arguments of `search`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    #[command(flatten)]
    server: ServerChoice,
    /// Messages of the caller
    #[arg(long, default_value_t = 1_000_000)]
    messages: usize,
    /// Agents the caller wrote with
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=100))]
    others: u16,
    /// Queries of each kind
    #[arg(long, default_value_t = 300)]
    queries: usize,
    /// Where the random texts and queries begin
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep everything in this PostgreSQL database instead; it must be empty
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    #[command(flatten)]
    output: report::Output,
}

/// The figures.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Messages of the caller.
    pub messages: usize,
    /// Agents it wrote with.
    pub others: usize,
    /// Messages a second that were written without a server.
    pub seeded_per_second: f64,
    /// From the server's start until all can be found.
    pub indexed_s: f64,
    /// Messages a second that were indexed meanwhile.
    pub indexed_per_second: f64,
    /// Size of the folder's database, log included; none with PostgreSQL.
    pub database_mib: Option<f64>,
    /// Size of the folder's index, log included; none with PostgreSQL.
    pub index_mib: Option<f64>,
    /// Each kind of query.
    pub asked: Vec<Asked>,
}

/// Measures and reports.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.messages < 2 * usize::from(arguments.others) {
        bail!("everybody writes and is written to: give --messages at least twice --others");
    }
    let outcome = runtime(1)?.block_on(play(arguments))?;
    let machine = Machine::inspect(&arguments.server.parent_folder());
    let report = Report::new("search", machine, std::slice::from_ref(&outcome));
    arguments.output.write(&report, &outcome.tables(), String::new)
}

async fn play(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut random = StdRng::seed_from_u64(arguments.seed);
    let vocabulary = Vocabulary::draw(&mut random);
    let flags = ["--limit", "search=off", "--limit", "api=off"].map(str::to_owned);
    let database = arguments.database_url.iter().flat_map(|url| ["--database-url".to_owned(), url.clone()]);
    let launch = arguments.server.launch()?.flags(flags.into_iter().chain(database));
    let began = Instant::now();
    let seeded = fill(arguments, &launch, &mut random, &vocabulary).await?;
    let seeded_per_second = arguments.messages as f64 / began.elapsed().as_secs_f64();
    report::talk(&format!("{} messages written, {seeded_per_second:.0} a second", arguments.messages));
    let began = Instant::now();
    let server = launch.start()?;
    indexed(&server).await.with_context(|| server.log_tail())?;
    let indexed_s = began.elapsed().as_secs_f64();
    let indexed_per_second = arguments.messages as f64 / indexed_s;
    report::talk(&format!("indexed in {indexed_s:.1} s, {indexed_per_second:.0} a second"));
    let source = Source { vocabulary: &vocabulary, seeded: &seeded };
    let asked = queries::ask(&source, server.address, arguments.queries.max(1), &mut random).await;
    let asked = asked.with_context(|| server.log_tail())?;
    let folder = server.data_folder().filter(|_| arguments.database_url.is_none());
    let size = |name: &str| folder.as_deref().map(|folder| mib(folder, name));
    let (database_mib, index_mib) = (size("agentchat.db"), size("search.db"));
    server.stop()?;
    Ok(Outcome {
        messages: arguments.messages,
        others: arguments.others.into(),
        seeded_per_second,
        indexed_s,
        indexed_per_second,
        database_mib,
        index_mib,
        asked,
    })
}

async fn fill(
    arguments: &Arguments,
    launch: &Launch,
    random: &mut StdRng,
    vocabulary: &Vocabulary,
) -> anyhow::Result<Seeded> {
    let store = match &arguments.database_url {
        Some(url) => Store::connect(PostgresOptions::parse(url)?).await?,
        None => Store::open(StoreOptions::new(launch.data_folder()))?,
    };
    let counts = (arguments.messages, arguments.others.into(), arguments.queries);
    let seeded = seed::seed(&store, random, vocabulary, counts).await;
    store.close().await;
    seeded
}

/// Waits until every message can be found.
async fn indexed(server: &Server) -> anyhow::Result<()> {
    let mut connection = HttpConnection::open(server.address).await?;
    let (mut least, mut since) = (u64::MAX, Instant::now());
    loop {
        match waiting(&mut connection, server).await? {
            0 => return Ok(()),
            waiting if waiting < least => (least, since) = (waiting, Instant::now()),
            waiting if since.elapsed() > PATIENCE => bail!("{waiting} messages are not indexed"),
            _ => {}
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn waiting(connection: &mut HttpConnection, server: &Server) -> anyhow::Result<u64> {
    let answer = connection.exchange(&request("GET", "/metrics", server.address, "", "")).await?;
    let text = std::str::from_utf8(answer.body)?;
    let value = text.lines().find_map(|line| line.strip_prefix("agentchat_search_waiting "));
    let value: f64 = value.context("the server does not say what waits to be indexed")?.parse()?;
    Ok(value as u64)
}

/// A database's size with its log.
fn mib(folder: &Path, name: &str) -> f64 {
    let size = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |metadata| metadata.len());
    (size(name) + size(&format!("{name}-wal"))) as f64 / MIB
}

impl Outcome {
    fn tables(&self) -> String {
        let size = |mib: Option<f64>| mib.map_or_else(|| "–".to_owned(), |mib| format!("{mib:.0}"));
        let filling = vec![
            format!("{} messages with {} agents", self.messages, self.others),
            format!("{:.0}", self.seeded_per_second),
            format!("{:.1}", self.indexed_s),
            format!("{:.0}", self.indexed_per_second),
            size(self.database_mib),
            size(self.index_mib),
        ];
        let heading = ["run", "written/s", "indexed in s", "indexed/s", "database MiB", "index MiB"];
        let filling = table::markdown(&heading, &[filling]);
        let heading = ["query", "p50 ms", "p99 ms", "longest ms", "found"];
        let rows: Vec<Vec<String>> = self.asked.iter().map(row).collect();
        format!("{filling}\n{}", table::markdown(&heading, &rows))
    }
}

fn row(asked: &Asked) -> Vec<String> {
    let latency = &asked.answer_us;
    let times = [latency.p50, latency.p99, latency.max].map(|us| format!("{:.1}", f64::from(us) / 1e3));
    [asked.query.to_owned()].into_iter().chain(times).chain([format!("{:.1}", asked.found)]).collect()
}
