//! One run: agents, connections, the window, the books.

use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinSet;

use super::endpoint::{AnyLine, AnyReceiver};
use super::ledger::Faults;
use super::outcome::{Latency, Outcome};
use super::receiver::{self, Books, Shared};
use super::sender::{self, Tally, Task};
use super::window::{Clock, Window};
use super::{Load, Transport};
use crate::process::{Bill, Service, Usage};
use crate::setup::{self, Agent, Caller, Conversation};

/// How long receivers may take for what is still on its way when the senders are done.
const GRACE: Duration = Duration::from_secs(20);

/// What is run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How the senders send.
    pub transport: Transport,
    /// Number of senders.
    pub senders: usize,
    /// Number of receivers; sender *i* writes to receiver *i mod receivers*.
    pub receivers: usize,
    /// How long and how heavy.
    pub load: Load,
}

/// Agents and conversations of a run.
struct Cast {
    senders: Vec<Agent>,
    receivers: Vec<Agent>,
    conversations: Vec<Conversation>,
}

/// What both sides used at the edges of the window.
pub(crate) struct Edges {
    pub(crate) service: (Bill, Bill),
    pub(crate) generator: (Usage, Usage),
}

impl Scenario {
    /// Runs against `service`; what is sent through one node is received through the next.
    ///
    /// # Errors
    ///
    /// When the set-up fails, a connection breaks or a sender is refused again and again.
    pub fn measure(&self, service: &Service) -> anyhow::Result<Outcome> {
        super::runtime(self.load.threads)?.block_on(self.play(service))
    }

    async fn play(&self, service: &Service) -> anyhow::Result<Outcome> {
        let cast = self.cast(service).await?;
        let clock = Clock::start();
        let lines = self.lines(service, &cast).await?;
        let sockets = self.sockets(service, &cast).await?;
        let window = Window::after(
            clock.nanos(),
            Duration::from_secs_f64(self.load.warmup),
            Duration::from_secs_f64(self.load.seconds),
        );
        let edges = tokio::spawn(watch(service.clone(), clock, window));
        let (books, receivers) = self.receive(sockets, &cast, clock, window);
        let tallies = send(lines, clock, window).await?;
        finish(receivers).await?;
        let edges = edges.await??;
        let unsettled = unsettled(service, &cast.receivers).await?;
        Ok(self.outcome(&tallies, &books, &edges, window, unsettled))
    }

    async fn cast(&self, service: &Service) -> anyhow::Result<Cast> {
        let senders = setup::seed(service, "sender", self.senders).await?;
        let receivers = setup::seed(service, "receiver", self.receivers).await?;
        let pairs = senders.iter().cloned().zip(receivers.iter().cloned().cycle()).collect();
        let conversations = setup::introduce(service, pairs).await?;
        Ok(Cast { senders, receivers, conversations })
    }

    async fn lines(&self, service: &Service, cast: &Cast) -> anyhow::Result<Vec<AnyLine>> {
        let task = |(pair, sender): (usize, &Agent)| Task {
            address: service.address(pair),
            pair,
            sender: sender.clone(),
            to: cast.receivers[pair % self.receivers].handle.clone(),
            text_bytes: self.load.text_bytes,
        };
        let tasks: Vec<Task> = cast.senders.iter().enumerate().map(task).collect();
        let (driver, transport) = (self.load.driver, self.transport);
        setup::all(tasks, move |task| AnyLine::open(task, driver, transport)).await
    }

    async fn sockets(&self, service: &Service, cast: &Cast) -> anyhow::Result<Vec<AnyReceiver>> {
        let driver = self.load.driver;
        let agents = cast.receivers.iter().cloned().enumerate();
        let places = agents.map(|(index, agent)| (service.address(index + 1), agent)).collect();
        setup::all(places, |(address, agent)| AnyReceiver::open(address, agent, driver)).await
    }

    fn receive(
        &self,
        sockets: Vec<AnyReceiver>,
        cast: &Cast,
        clock: Clock,
        window: Window,
    ) -> (Vec<Shared>, JoinSet<std::io::Result<()>>) {
        let mut tasks = JoinSet::new();
        let count = self.receivers;
        let mut all = Vec::with_capacity(count);
        for (index, socket) in sockets.into_iter().enumerate() {
            let own = cast.conversations.iter().skip(index).step_by(count);
            let books = Books::open(own.map(|conversation| conversation.last_seq));
            tasks.spawn(socket.run(books.clone(), count, clock, window));
            all.push(books);
        }
        (all, tasks)
    }

    fn outcome(&self, tallies: &[Tally], books: &[Shared], edges: &Edges, window: Window, unsettled: u64) -> Outcome {
        let acked = tallies.iter().flat_map(|tally| &tally.buckets).map(|&count| u64::from(count)).sum();
        let per_message = |cpu: Duration| cpu.as_micros() as f64 / (acked as f64).max(1.0);
        let part = |of: fn(&Bill) -> Option<Usage>| of(&edges.service.0).zip(of(&edges.service.1));
        let part_cpu = |of| part(of).map(|(from, to)| per_message(to.cpu_since(&from)));
        Outcome {
            transport: self.transport,
            driver: self.load.driver,
            senders: self.senders,
            receivers: self.receivers,
            text_bytes: self.load.text_bytes,
            threads: self.load.threads,
            seconds: window.seconds(),
            acked,
            acked_per_second: acked as f64 / window.seconds(),
            sent: tallies.iter().map(|tally| tally.acked).sum(),
            refused: tallies.iter().map(|tally| tally.refused).sum(),
            answer_us: Latency::of(tallies.iter().flat_map(|tally| tally.answers_us.clone()).collect()),
            delivery_us: Latency::of(deliveries(books)),
            server_cpu_us: part_cpu(|bill| bill.servers),
            postgres_cpu_us: part_cpu(|bill| bill.postgres),
            nats_cpu_us: part_cpu(|bill| bill.nats),
            generator_cpu_us: per_message(edges.generator.1.cpu_since(&edges.generator.0)),
            server_rss_kib: edges.service.1.servers.map(|usage| usage.rss_kib),
            faults: self.faults(tallies, books),
            unsettled,
            series: series(tallies, window),
        }
    }

    fn faults(&self, tallies: &[Tally], books: &[Shared]) -> Faults {
        let mut faults = Faults::default();
        for (pair, tally) in tallies.iter().enumerate() {
            let books = receiver::lock(&books[pair % self.receivers]);
            faults += books.ledgers[pair / self.receivers].close(tally.last_seq);
        }
        faults
    }
}

pub(crate) async fn send(lines: Vec<AnyLine>, clock: Clock, window: Window) -> anyhow::Result<Vec<Tally>> {
    let mut tasks = JoinSet::new();
    for (pair, line) in lines.into_iter().enumerate() {
        tasks.spawn(async move { (pair, sender::run(line, clock, window).await) });
    }
    let mut tallies = Vec::with_capacity(tasks.len());
    while let Some(done) = tasks.join_next().await {
        let (pair, tally) = done?;
        tallies.push((pair, tally.with_context(|| format!("sender {pair}"))?));
    }
    tallies.sort_by_key(|(pair, _)| *pair);
    Ok(tallies.into_iter().map(|(_, tally)| tally).collect())
}

/// Waits for the receivers; those that are not done after the grace have lost something.
pub(crate) async fn finish(mut receivers: JoinSet<std::io::Result<()>>) -> anyhow::Result<()> {
    let done = async {
        while let Some(result) = receivers.join_next().await {
            result?.context("receiver")?;
        }
        Ok(())
    };
    tokio::time::timeout(GRACE, done).await.unwrap_or(Ok(()))
}

pub(crate) async fn watch(service: Service, clock: Clock, window: Window) -> anyhow::Result<Edges> {
    let snapshot = || anyhow::Ok((service.bill()?, Usage::of(std::process::id())?));
    sleep_until(clock, window.start).await;
    let from = snapshot()?;
    sleep_until(clock, window.end).await;
    let to = snapshot()?;
    Ok(Edges { service: (from.0, to.0), generator: (from.1, to.1) })
}

async fn sleep_until(clock: Clock, nanos: u64) {
    tokio::time::sleep(Duration::from_nanos(nanos.saturating_sub(clock.nanos()))).await;
}

/// What is still unsettled once the last acks had time to be written.
pub(crate) async fn unsettled(service: &Service, receivers: &[Agent]) -> anyhow::Result<u64> {
    let mut caller = Caller::open(service.address(0)).await?;
    let mut total = 0;
    let deadline = tokio::time::Instant::now() + GRACE;
    for agent in receivers {
        total += loop {
            match caller.undelivered(agent).await? {
                0 => break 0,
                count if tokio::time::Instant::now() > deadline => break count,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
    }
    Ok(total)
}

pub(crate) fn deliveries(books: &[Shared]) -> Vec<u32> {
    books.iter().flat_map(|books| std::mem::take(&mut receiver::lock(books).deliveries_us)).collect()
}

fn series(tallies: &[Tally], window: Window) -> Vec<u32> {
    (0..window.buckets()).map(|bucket| tallies.iter().map(|tally| tally.buckets[bucket]).sum()).collect()
}
